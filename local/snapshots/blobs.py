"""Bytes that are too large for a snapshot: each in a file of its own that never changes, named in the snapshot."""

import hashlib
import os
import time
import uuid
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

FILE_MODE = 0o600
YOUNG_SECONDS = 60.0
"""A file this young may belong to a request that is being answered, although no snapshot names it yet."""


class BlobStore:
    """The files in a folder.

    Attributes:
        folder: of the files.
        unsynced: names of files that a loss of power may still take; a snapshot that names them syncs them first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.unsynced: list[str] = []
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, data: bytes) -> str:
        """Write bytes under a new name and return it."""
        name = uuid.uuid4().hex
        with open(os.open(self.folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE), "wb") as file:  # noqa: PTH123 - a descriptor
            file.write(data)
        self.unsynced.append(name)
        return name

    def keep(self, data: bytes) -> str:
        """Write bytes to the disk under a name that their content gives, unless they are there, and return it."""
        name = hashlib.sha256(data).hexdigest()
        if not (self.folder / name).exists():
            partial = self.folder / f"{name}.{uuid.uuid4().hex}.partial"
            partial.write_bytes(data)
            sync(partial)
            partial.rename(self.folder / name)
        return name

    def read(self, name: str) -> bytes:
        """Return the bytes of a name.

        Raises:
            FileNotFoundError: there is no such file.
        """
        return (self.folder / name).read_bytes()

    def sync(self, names: Iterable[str]) -> None:
        """Make sure that files survive a loss of power."""
        for name in names:
            with suppress(FileNotFoundError):  # removed in the meantime, so nothing names it
                sync(self.folder / name)
        sync(self.folder)

    def missing(self, names: Iterable[str]) -> list[str]:
        """Return those of the names that have no file."""
        there = set(os.listdir(self.folder))  # noqa: PTH208 - names are wanted, not paths
        return [name for name in names if name not in there]

    def unused(self, used: Collection[str]) -> list[str]:
        """Return the names of the files that are neither in `used` nor young."""
        limit = time.time() - YOUNG_SECONDS
        entries = [entry for entry in os.scandir(self.folder) if entry.name not in used]
        return [entry.name for entry in entries if entry.stat().st_mtime < limit]

    def remove(self, names: Iterable[str]) -> None:
        """Remove files."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Write a file or a folder through to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
