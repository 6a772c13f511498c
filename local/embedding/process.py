"""A worker process, as the cloud sees it."""

import subprocess
import sys
from array import array
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from local.embedding.frames import read_frame, write_frame

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "local.embedding.worker")


class WorkerProcess:
    """Embeds one text at a time in a process of its own; a fresh interpreter, since this process has threads.

    It inherits nothing but the two pipes, so that its input ends when this process does, however it ends.
    """

    def __init__(self, command: Sequence[str] = COMMAND) -> None:
        self._process = subprocess.Popen(command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    @property
    def pid(self) -> int:
        """The id of the process."""
        return self._process.pid

    def embed(self, text: str) -> Sequence[float]:
        """Return the vector of a text.

        Raises:
            OSError: the process has ended.
            EOFError: the process ended before it answered.
        """
        assert self._process.stdin  # noqa: S101 - both are pipes, see above
        assert self._process.stdout  # noqa: S101
        write_frame(self._process.stdin, text.encode())
        return array("f", read_frame(self._process.stdout))

    def is_running(self) -> bool:
        """Return whether the process can take a text."""
        return self._process.poll() is None

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was not sent yet cannot be sent any more
                if pipe:
                    pipe.close()
