"""Unit tests reach nothing outside their process."""

import pytest
import pytest_socket


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Event loops need a pair of Unix sockets to wake up; those lead nowhere."""
    pytest_socket.disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    pytest_socket.enable_socket()
