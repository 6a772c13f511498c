"""The only file that a reader writes: an attachment of a mail, for a reader that takes files.

The file is in memory and has no name in any folder. It is opened before the barriers are set, since a process that
reads a document must not create files.
"""

import functools
import os
from pathlib import Path


@functools.cache
def descriptor() -> int:
    """Returns the file's descriptor; the first call in a process creates the file."""
    return os.memfd_create("attachment")


def store(content: bytes) -> Path:
    """Replaces the content of the file and returns the path where it can be read."""
    file = descriptor()
    os.ftruncate(file, 0)
    os.lseek(file, 0, os.SEEK_SET)
    remaining = memoryview(content)
    while remaining:
        remaining = remaining[os.write(file, remaining) :]
    return Path(f"/proc/self/fd/{file}")
