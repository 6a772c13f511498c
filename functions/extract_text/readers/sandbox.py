"""Runs tasks that may crash, hang or use too much memory in child processes, so that no file can stop the function.

One clean process, the fork server, is started once. It imports the libraries and forks for each task, so that a task
costs a fork and not a start. It has neither the function's environment (credentials) nor its connections. It never sees
arguments or results: data of one document must not be in memory that the next task inherits.
"""

import atexit
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from onggi.domain.errors import BAD_DOCUMENT_MESSAGES, BadDocument
from onggi.entry.logging import logger
from readers import linux

How = Literal["done", "crash", "timeout", "memory", "unprotected"]

USED_UP: Final = 0.9
"""Share of the processor time from which a task counts as having used it up: the limit is enforced in whole seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Resources that a task may use.

    Attributes:
        memory: bytes of address space.
        cpu_seconds: processor time.
        wall_seconds: time from its start to its end.
    """

    memory: int = 1 << 30
    cpu_seconds: int = 100
    wall_seconds: float = 110.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task ended and which resources it used.

    Attributes:
        how: the kind of end.
        cpu_seconds: processor time.
        peak_bytes: peak of resident memory, including memory that it shares with the fork server.
    """

    how: How
    cpu_seconds: float
    peak_bytes: int


class SandboxError(Exception):
    """Raised when a task did not end by itself.

    Attributes:
        how: it crashed, ran too long or asked for too much memory.
        waited: whether it ran out of wall-clock time before it used up its processor time.
    """

    def __init__(self, how: How, *, waited: bool = False) -> None:
        super().__init__(how)
        self.how: How = how
        self.waited = waited


class Sandbox:
    """Calls functions of one module in child processes.

    Args:
        limits: for each call.
        tasks: name of the module.

    Attributes:
        last: outcome of the last call.
        fork_server_module: module that the fork server runs.
    """

    fork_server_module = "readers.fork_server"

    def __init__(self, limits: Limits | None = None, tasks: str = "readers.tasks") -> None:
        self._limits = limits or Limits()
        self._tasks = tasks
        self.last = Outcome("done", 0.0, 0)
        self._fork_server: subprocess.Popen[bytes] | None = None

    def call(self, function: str, module: str | None = None, *, file: Path | None = None, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        """Calls a function of the module and returns its result; arguments and result are JSON.

        Args:
            function: its name.
            module: another module that the fork server imports before it forks, so that later calls find it loaded.
            file: file that the function may read; it is passed as the argument `file`, a string.
            arguments: other arguments, by name.

        Raises:
            BadDocument: the function has raised it; `corrupt`, with its name as a note, for any other exception.
            SandboxError: the task did not end by itself.
            RuntimeError: a barrier around the task cannot be set, or no process can be started.
        """
        with tempfile.TemporaryDirectory() as folder:
            arguments_file, result_file = Path(folder) / "arguments.json", Path(folder) / "result.json"
            arguments_file.write_text(json.dumps(arguments | ({"file": str(file)} if file else {})), encoding="utf-8")
            result_file.touch()
            self.last = self._run(
                {
                    "function": function,
                    "modules": [self._tasks, *([module] if module else [])],
                    "arguments": str(arguments_file),
                    "readable": [str(file)] if file else [],
                    "result": str(result_file),
                    **asdict(self._limits),
                }
            )
            if self.last.how == "unprotected":
                raise RuntimeError("A barrier around the readers could not be set; no document is read without it.")
            if self.last.how != "done":
                raise SandboxError(self.last.how, waited=self._has_waited())
            return _result(result_file)

    def _has_waited(self) -> bool:
        """Returns whether the last task ran out of wall-clock time long before it used up its processor time."""
        return self.last.how == "timeout" and self.last.cpu_seconds < self._limits.cpu_seconds * USED_UP

    def close(self) -> None:
        """Stops the fork server; the next call starts another."""
        if self._fork_server is not None:
            self._fork_server.kill()
            self._fork_server.communicate()
            self._fork_server = None

    def _run(self, request: dict[str, Any]) -> Outcome:
        """Sends a request to the fork server; if that has died in the meantime, starts another one and retries once."""
        line = json.dumps(request).encode() + b"\n"
        for _ in range(2):
            reply = self._exchange(line)
            if reply:
                return Outcome(**json.loads(reply))
            self.close()
        raise RuntimeError("The fork server of the readers does not start.")

    def _exchange(self, line: bytes) -> bytes:
        fork_server = self._fork_server = self._fork_server or self._start()
        if fork_server.stdin is None or fork_server.stdout is None:
            raise RuntimeError("The fork server of the readers has no pipes.")
        try:
            fork_server.stdin.write(line)
            fork_server.stdin.flush()
        except BrokenPipeError:
            return b""
        return fork_server.stdout.readline()

    def _start(self) -> subprocess.Popen[bytes]:
        """Starts the fork server and logs which barriers protect this function from the files that it reads."""
        linux.close_process()
        fork_server = self._popen()
        protection = json.loads((fork_server.stdout.readline() if fork_server.stdout else b"") or b"{}")
        if not protection or "fault" in protection:
            fork_server.kill()
            fork_server.communicate()
            fault = protection.get("fault", "its process does not start")
            raise RuntimeError(f"The barriers around the readers do not hold: {fault}. No document is read.")
        log = logger.warning if protection["open"] else logger.info
        log("reader barriers", extra=protection)
        return fork_server

    def _popen(self) -> subprocess.Popen[bytes]:
        paths = [str(Path(__file__).parents[1]), *filter(None, sys.path)]
        environment = {"PYTHONPATH": ":".join(paths), "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib", "LC_ALL": "C.UTF-8"}
        atexit.register(self.close)
        return subprocess.Popen(
            [sys.executable, "-S", "-m", self.fork_server_module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            close_fds=True,
        )


def _result(file: Path) -> Any:  # noqa: ANN401 - JSON
    """Returns the result that a task has written to a file; a hijacked task may write anything."""
    try:
        match json.loads(file.read_bytes()):
            case {"value": value}:
                return value
            case {"code": str(code), "message": str(message), "cause": str(cause)} if code in BAD_DOCUMENT_MESSAGES:
                bad = BadDocument(code, message)
                bad.add_note(cause)
            case {"code": str(code), "message": str(message)} if code in BAD_DOCUMENT_MESSAGES:
                bad = BadDocument(code, message)
            case _:
                raise SandboxError("crash")
    except (ValueError, RecursionError) as error:  # nothing was written, or too many brackets
        raise SandboxError("crash") from error
    raise bad
