"""Runs what may crash, hang or eat memory in child processes: no file can take the function down.

One clean process, the keeper, is started once. It imports the libraries and forks for each task, so that a task costs a
fork and not a start. It has neither the function's environment (credentials) nor its connections, and never sees an
argument or an answer: what one document's task is given must not be in memory that the next one inherits.
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
"""The share of its processor time at which a task has used it up; the limit is enforced in whole seconds."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a task may use.

    Attributes:
        memory: bytes of address space.
        cpu_seconds: of its own.
        wall_seconds: from its start to its end.
    """

    memory: int = 1 << 30
    cpu_seconds: int = 100
    wall_seconds: float = 110.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a task ended and what it took.

    Attributes:
        peak_bytes: of resident memory, what it shares with the process it was forked from included.
    """

    how: How
    cpu_seconds: float
    peak_bytes: int


class CageError(Exception):
    """A task did not end by itself.

    Attributes:
        how: it crashed, ran too long or asked for too much memory.
        waited: whether it ran out of time while it waited: for the processor, which others used, or for nothing.
    """

    def __init__(self, how: How, *, waited: bool = False) -> None:
        super().__init__(how)
        self.how: How = how
        self.waited = waited


class Cage:
    """Calls functions of one module in child processes.

    Args:
        limits: of each call.
        tasks: the module's name.

    Attributes:
        last: how the last call ended.
        keeper_module: what the keeper runs.
    """

    keeper_module = "readers.keeper"

    def __init__(self, limits: Limits | None = None, tasks: str = "readers.tasks") -> None:
        self._limits = limits or Limits()
        self._tasks = tasks
        self.last = Ended("done", 0.0, 0)
        self._keeper: subprocess.Popen[bytes] | None = None

    def call(self, function: str, module: str | None = None, *, file: Path | None = None, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        """What a function of the module answers; arguments and answer are JSON.

        Args:
            function: its name.
            module: one more that the keeper imports before it forks, so that later calls find it there.
            file: that the function may read; it is handed over as `file`, a string.
            arguments: of the function, by name.

        Raises:
            BadDocument: what the function has raised; `corrupt`, with its name as a note, for any other exception.
            CageError: when it did not come to its end.
            RuntimeError: when a barrier around it cannot be set, or no process can be started.
        """
        with tempfile.TemporaryDirectory() as folder:
            given, answer = Path(folder) / "arguments.json", Path(folder) / "answer.json"
            given.write_text(json.dumps(arguments | ({"file": str(file)} if file else {})), encoding="utf-8")
            answer.touch()
            self.last = self._ask(
                {
                    "function": function,
                    "modules": [self._tasks, *([module] if module else [])],
                    "arguments": str(given),
                    "readable": [str(file)] if file else [],
                    "answer": str(answer),
                    **asdict(self._limits),
                }
            )
            if self.last.how == "unprotected":
                raise RuntimeError("A barrier around the readers could not be set; no document is read without it.")
            if self.last.how != "done":
                raise CageError(self.last.how, waited=self._has_waited())
            return _value(answer)

    def _has_waited(self) -> bool:
        """Whether the last task was ended by the clock, long before it had used up its processor time."""
        return self.last.how == "timeout" and self.last.cpu_seconds < self._limits.cpu_seconds * USED_UP

    def close(self) -> None:
        """Ends the keeper; the next call starts another."""
        if self._keeper is not None:
            self._keeper.kill()
            self._keeper.communicate()
            self._keeper = None

    def _ask(self, request: dict[str, Any]) -> Ended:
        """Hands a request to the keeper; one that has died in the meantime is replaced once."""
        line = json.dumps(request).encode() + b"\n"
        for _ in range(2):
            reply = self._exchange(line)
            if reply:
                return Ended(**json.loads(reply))
            self.close()
        raise RuntimeError("The process that forks for readers does not start.")

    def _exchange(self, line: bytes) -> bytes:
        keeper = self._keeper = self._keeper or self._start()
        if keeper.stdin is None or keeper.stdout is None:
            raise RuntimeError("The process that forks for readers has no pipes.")
        try:
            keeper.stdin.write(line)
            keeper.stdin.flush()
        except BrokenPipeError:
            return b""
        return keeper.stdout.readline()

    def _start(self) -> subprocess.Popen[bytes]:
        """Starts the keeper, and logs which barriers protect this function from the files that it reads."""
        linux.close_process()
        keeper = self._popen()
        protection = json.loads((keeper.stdout.readline() if keeper.stdout else b"") or b"{}")
        if not protection or "fault" in protection:
            keeper.kill()
            keeper.communicate()
            fault = protection.get("fault", "its process does not start")
            raise RuntimeError(f"The barriers around the readers do not hold: {fault}. No document is read.")
        log = logger.warning if protection["open"] else logger.info
        log("reader barriers", extra=protection)
        return keeper

    def _popen(self) -> subprocess.Popen[bytes]:
        paths = [str(Path(__file__).parents[1]), *filter(None, sys.path)]
        environment = {"PYTHONPATH": ":".join(paths), "LD_LIBRARY_PATH": f"{sys.base_prefix}/lib", "LC_ALL": "C.UTF-8"}
        atexit.register(self.close)
        return subprocess.Popen(
            [sys.executable, "-S", "-m", self.keeper_module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            close_fds=True,
        )


def _value(file: Path) -> Any:  # noqa: ANN401 - JSON
    """What a task has answered in a file; a task that was hijacked may write anything."""
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
                raise CageError("crash")
    except (ValueError, RecursionError) as error:  # it left without a word, or with too many brackets
        raise CageError("crash") from error
    raise bad
