"""The one file that a reader writes: a part of a document, for a reader that takes files.

It lies in memory and has no name in any folder. The process that reads a document is forbidden to make a file, so that
this one is opened before.
"""

import functools
import os
from pathlib import Path


@functools.cache
def descriptor() -> int:
    """Its descriptor; the first call makes the file, one for each process that reads a document."""
    return os.memfd_create("attachment")


def store(content: bytes) -> Path:
    """Puts content in place of what was in the file, and returns where it can be read."""
    file = descriptor()
    os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)
    left = memoryview(content)
    while left:
        left = left[os.write(file, left) :]
    return Path(f"/proc/self/fd/{file}")
