"""Starting and stopping: one cloud a folder, at a port that is free."""

import socket
import subprocess
import time
from pathlib import Path
from typing import cast

import pytest

from tests.integration.local_cloud import REPOSITORY, LocalCloud, free_port


def test_starting_and_stopping_twice_is_no_error(own: LocalCloud) -> None:
    assert own.control("stop").stdout == "The local cloud does not run.\n"
    assert own.control("status").returncode == 1
    assert own.control("start").returncode == 0
    again = own.control("start")
    assert (again.returncode, "already runs" in again.stdout) == (0, True)
    assert own.control("status").returncode == 0
    second = LocalCloud(free_port(), own.state)
    refused = second.control("run")
    assert refused.returncode == 2
    assert "already runs" in refused.stderr
    assert own.control("stop").returncode == 0
    assert own.control("status").returncode == 1


def test_a_port_in_use_is_said(own: LocalCloud, cloud: LocalCloud) -> None:
    taken = LocalCloud(cloud.port, own.state)
    started = taken.control("start")
    assert started.returncode == 2
    assert f"Port {cloud.port} is already in use" in started.stderr
    assert "make up PORT=" in started.stderr


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0"])  # noqa: S104 - what another program may do
def test_a_program_that_listens_and_says_nothing_is_noticed_at_once(own: LocalCloud, address: str) -> None:
    with socket.create_server((address, own.port)):
        began = time.monotonic()
        checked = own.control("check")
        assert time.monotonic() - began < 1
    assert checked.returncode == 2
    assert f"Port {own.port} is already in use" in checked.stderr
    assert not own.state.exists()


def test_a_free_port_and_that_of_the_running_cloud_can_be_used(own: LocalCloud) -> None:
    assert own.control("check").returncode == 0
    own.start()
    assert own.control("check").returncode == 0
    another = LocalCloud(free_port(), own.state)
    for command in ("check", "start", "stop"):
        refused = another.control(command)
        assert refused.returncode == 2
        assert f"runs at {own.endpoint} and was left as it is" in refused.stderr
    assert own.control("status").returncode == 0


def test_the_port_is_remembered(own: LocalCloud) -> None:
    def control(name: str) -> str:
        """As somebody who names no port."""
        command = [part for part in own.command(name) if part not in {"--port", str(own.port)}]
        return subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, encoding="utf-8", timeout=60, check=True
        ).stdout

    own.start()
    assert own.endpoint in control("check")
    assert "has stopped" in control("stop")
    assert own.endpoint in control("start")
    control("reset")
    assert not own.state.exists()


@pytest.mark.parametrize("port", ["0", "65536", "four", "-1"])
def test_what_is_no_port_is_refused(own: LocalCloud, port: str) -> None:
    ended = LocalCloud(cast("int", port), own.state).control("check")
    assert ended.returncode == 2
    assert "is no port" in ended.stderr


def test_missing_model_data_is_said(own: LocalCloud, tmp_path: Path) -> None:
    command = [*own.command("start")[:-1], str(tmp_path)]
    started = subprocess.run(command, cwd=REPOSITORY, capture_output=True, encoding="utf-8", timeout=60, check=False)
    assert started.returncode == 2
    assert "--botocore-data" in started.stderr
    assert "Traceback" not in started.stderr


def test_only_this_machine_can_reach_it(cloud: LocalCloud) -> None:
    outside = socket.gethostbyname(socket.gethostname())
    if outside.startswith("127."):
        pytest.skip("this machine has no other address")
    with socket.socket() as probe:
        probe.settimeout(2)
        assert probe.connect_ex((outside, cloud.port)) != 0
