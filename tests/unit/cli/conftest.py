from pathlib import Path

import pytest

from tests.unit.cli.fakes import FakeCloudWatch, Shell


@pytest.fixture
def bare_shell(tmp_path: Path) -> Shell:
    """A shell in a folder without a local cloud, with an account that has a deployed stack."""
    shell = Shell(tmp_path)
    shell.account.clients = {"cloudformation": shell.cloudformation, "cloudwatch": FakeCloudWatch()}
    return shell


@pytest.fixture
def shell(bare_shell: Shell) -> Shell:
    """A shell in a folder with a running local cloud."""
    bare_shell.start_local_cloud()
    return bare_shell
