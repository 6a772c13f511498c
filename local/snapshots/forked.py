"""A call in a copy of this process: it sees memory as it is at one moment, while this process goes on."""

import gc
import json
import os
import select
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

_CHANNEL = 3
_READ_BYTES = 65536


class ForkedCallError(Exception):
    """The copy did not come to its end; the message is its traceback, or says what became of it."""


class ForkedCall:
    """Starts a call in a copy of this process, which this thread alone goes on in.

    The copy has no other thread, so the function must not wait for one: it may compute, and read and write files. It
    holds none of this process's sockets, locks and other open files.

    Args:
        function: returns what JSON can hold.
    """

    def __init__(self, function: Callable[[], Any]) -> None:
        reader, writer = os.pipe()
        with warnings.catch_warnings():
            # Python warns of copies whose other threads hold a lock for ever; the function takes none.
            warnings.simplefilter("ignore", DeprecationWarning)
            self._pid = os.fork()
        if self._pid == 0:
            _run(function, writer)
        os.close(writer)
        self._reader = reader
        self._has_ended = False

    def result(self, seconds: float) -> Any:  # noqa: ANN401 - whatever the function returns
        """Wait for the end of the call and return its result; once only.

        Raises:
            ForkedCallError: it raised, was killed, or took longer than `seconds`, after which it is killed.
        """
        said = self._read(time.monotonic() + seconds)
        if said is None:
            self.kill()
        _, status = os.waitpid(self._pid, 0)
        self._has_ended = True
        os.close(self._reader)
        if said is None:
            message = f"it did not end within {seconds:.0f} s"
            raise ForkedCallError(message)
        if status:
            message = said.decode(errors="replace") or f"it was ended with status {status}"
            raise ForkedCallError(message)
        return json.loads(said)

    def kill(self) -> None:
        """End the copy; `result` then raises, unless it has returned already."""
        if not self._has_ended:  # otherwise the number may be another process's
            os.kill(self._pid, signal.SIGKILL)

    def _read(self, deadline: float) -> bytes | None:
        """What the copy has written when it ends, or None where it has not ended at the deadline."""
        said = b""
        while True:
            ready, _, _ = select.select([self._reader], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            piece = os.read(self._reader, _READ_BYTES)
            if not piece:
                return said
            said += piece


def _run(function: Callable[[], Any], writer: int) -> NoReturn:
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # at a terminal it reaches this process as well
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        gc.disable()  # what it would free is the other process's
        os.dup2(writer, _CHANNEL)
        _close_above(_CHANNEL)
        said = json.dumps(function())
        status = 0
    except BaseException:  # the other process hears of it, whatever it is
        said = traceback.format_exc()
    with suppress(OSError), open(_CHANNEL, "wb", closefd=False) as channel:  # unless nobody listens any more
        channel.write(said.encode())
    os._exit(status)


def _close_above(kept: int) -> None:
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 - numbers are wanted, not paths
        if int(name) > kept:
            with suppress(OSError):  # the folder's own descriptor is closed by now
                os.close(int(name))
