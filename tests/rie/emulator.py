"""Runs one built function under Lambda's runtime interface emulator, without a container."""

import json
import os
import platform
import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / ".aws-sam" / "build"
LAYER = "CoreLayer"
EMULATORS = REPOSITORY / ".venvs/sam/lib/python3.13/site-packages/samcli/local/rapid"
RUNTIME_DISTRIBUTIONS = ("awslambdaric", "simplejson", "snapshot-restore-py")
INVOCATIONS = "/2015-03-31/functions/function/invocations"
START_SECONDS = 10.0
STOP_SECONDS = 5.0
INVOKE_SECONDS = 60.0
INIT_REPORT = re.compile(r"INIT REPORT\(durationMs: ([\d.]+)\)")


@dataclass(frozen=True)
class Runtime:
    """The parts of Lambda's Python runtime that the tests need.

    Attributes:
        python: an interpreter that sees no installed package, so that what an artifact lacks is missed.
        path: a folder with the runtime client alone, like /var/runtime.
    """

    python: Path
    path: Path


class RunningFunction:
    """A function behind the emulator, which handles one call at a time."""

    def __init__(self, port: int, log: Path) -> None:
        self._port = port
        self._log = log

    def invoke(self, event: object) -> Any:
        """Returns what the handler returned, or Lambda's description of its error (`errorType`, `errorMessage`)."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=INVOKE_SECONDS)
        with closing(connection):
            connection.request("POST", INVOCATIONS, json.dumps(event).encode(), {"content-type": "application/json"})
            # An error is an answer, too, whatever the status says.
            return json.loads(connection.getresponse().read() or b"null")

    def init_milliseconds(self) -> float:
        """Returns how long interpreter, runtime client and imports took, as the emulator measured it.

        Raises:
            LookupError: the function has not been invoked yet; the emulator starts it at the first invocation.
        """
        found = INIT_REPORT.search(self.log())
        if not found:
            message = f"the emulator reported no initialisation: {self.log()}"
            raise LookupError(message)
        return float(found[1])

    def log(self) -> str:
        """Returns the output of the emulator and the function."""
        return self._log.read_text(encoding="utf-8", errors="replace")


def make_runtime(folder: Path, python: Path) -> Runtime:
    """Links the runtime client into `folder`, from the packages that are installed here."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in RUNTIME_DISTRIBUTIONS:
        files = distribution(name).files or []
        for root in {Path(file).parts[0] for file in files if ".." not in Path(file).parts}:
            link = folder / root
            if not link.exists():
                link.symlink_to(Path(str(distribution(name).locate_file(root))))
    return Runtime(python, folder)


def is_built() -> bool:
    """Returns whether there are artifacts to run."""
    return (BUILD / "template.yaml").exists()


@contextmanager
def running(artifact: Path, runtime: Runtime, environment: Mapping[str, str], log: Path) -> Iterator[RunningFunction]:
    """Runs the function whose built folder is `artifact`, with the core layer beside it.

    Args:
        artifact: the function's folder below `.aws-sam/build`.
        runtime: made by `make_runtime`.
        environment: the function's variables, credentials and region.
        log: the file that takes what the emulator and the function write.
    """
    port, api_port = _free_ports()
    emulator = EMULATORS / f"aws-lambda-rie-{'arm64' if platform.machine() in {'arm64', 'aarch64'} else 'x86_64'}"
    command = [
        str(emulator),
        *("--runtime-interface-emulator-address", f"127.0.0.1:{port}"),
        *("--runtime-api-address", f"127.0.0.1:{api_port}"),
        # Without `site`, which would add the packages of this interpreter.
        *(str(runtime.python), "-S", "-m", "awslambdaric", "app.handler"),
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, cwd=artifact, env=_environment(artifact, runtime, environment), stdout=out, stderr=out
        )
    try:
        _wait_for(port, process, log)
        yield RunningFunction(port, log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _environment(artifact: Path, runtime: Runtime, environment: Mapping[str, str]) -> dict[str, str]:
    path = [str(artifact), str(artifact.parent / LAYER / "python"), str(runtime.path)]
    return {
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_NAME": artifact.name,
        "AWS_LAMBDA_FUNCTION_TIMEOUT": str(int(INVOKE_SECONDS)),
        "HOME": "/nonexistent",
        "LAMBDA_TASK_ROOT": str(artifact),
        "LANG": "en_US.UTF-8",
        "PATH": os.defpath,
        "PYTHONDONTWRITEBYTECODE": "1",  # a folder of Lambda's cannot be written to
        "PYTHONPATH": os.pathsep.join(path),
        "TZ": ":UTC",
        "_HANDLER": "app.handler",
        **environment,
    }


def _free_ports() -> tuple[int, int]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return one.getsockname()[1], other.getsockname()[1]


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    message = f"the emulator did not start: {log.read_text(encoding='utf-8', errors='replace')}"
    raise RuntimeError(message)
