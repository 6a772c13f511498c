"""Replaces parts of the application in the functions that a test calls."""

import pytest

from onggi.bootstrap import Application, application


def replace_parts(monkeypatch: pytest.MonkeyPatch, **parts: object) -> None:
    """Replaces parts by name until the test ends: an object for a property, a function for a method."""
    for name, part in parts.items():
        assert hasattr(Application, name), name
        monkeypatch.setitem(vars(application), name, part)
