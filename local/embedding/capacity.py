"""How many workers a machine has room for."""

import os
from pathlib import Path

WORKER_BYTES = 350 * 1024 * 1024
"""Most memory of one worker. 40 MB are its own (Python, NumPy, vocabulary), and up to 72 MB are pages of the model's
file, which all workers share. The rest is the text in work: 20 kB a token, and the engine computes at most 16,384
tokens at a time. Measured: 53 MB after chunks of 1,000 tokens, 191 MB with 8,192 tokens (Titan's limit), 346 MB with
22,724."""

_MEMORY_INFO = Path("/proc/meminfo")


def worker_count(cores: int, available_bytes: int) -> int:
    """Return how many workers to run: all cores but one, in at most half of the memory that is available.

    Args:
        cores: those that this process may use.
        available_bytes: memory that can be had without swapping.
    """
    return max(1, min(cores - 1, available_bytes // 2 // WORKER_BYTES))


def worker_count_here() -> int:
    """Return how many workers to run on this machine, by what it has available now."""
    return worker_count(os.process_cpu_count() or 1, available_memory())


def available_memory() -> int:
    """Return the bytes of memory that can be had without swapping; half of all where the system does not say."""
    if _MEMORY_INFO.exists():
        lines = (line.split() for line in _MEMORY_INFO.read_text(encoding="ascii").splitlines())
        kilobytes = {name: int(number) for name, number, *_ in lines}
        return kilobytes["MemAvailable:"] * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
