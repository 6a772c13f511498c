"""Snapshots on the disk: what all services of a local cloud held at one moment, in one file, replaced as a whole.

The file is a line of JSON, which says what it is, and compressed pickles, one a service, which keep tuples, numbers and
bytes as they are. It is read without running anything: only containers are made from it.
"""

import io
import json
import pickle
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.settings import LocalCloudError
from local.snapshots.blobs import BlobStore, sync

FORMAT = 2
"""Changes whenever what is written here is to be read in another way."""

HOLD_FILES = frozenset({"lambda", "s3"})
"""The services, by the emulator's names, whose states are searched for large bytes; a search takes as long again."""

BLOB_BYTES = 16 * 1024
"""Bytes objects of this size and more, such as a function's code, are kept as files of their own."""

PROTOCOL = 5
COMPRESSION = 1
"""zlib's fastest: on snapshots it saves nine tenths of the bytes."""

CONTAINERS = {
    ("collections", "OrderedDict"),
    ("collections", "defaultdict"),
    ("collections", "deque"),
    ("builtins", "dict"),
    ("builtins", "list"),
    ("builtins", "set"),
    ("ministack.core.responses", "AccountScopedDict"),
    ("ministack.core.responses", "AccountRegionScopedDict"),
}
"""The classes a snapshot is made of beside plain values; the emulator's own are dictionaries by account and region, the
built-in ones what a defaultdict makes."""

_OLDER_LAYOUT = ("services", "s3", "s3vectors")


class StateError(LocalCloudError):
    """What a cloud holds cannot be read; the sentence says why, and that `make reset` helps."""


@dataclass(frozen=True)
class Snapshot:
    """What all services held at one moment.

    Attributes:
        number: counts the snapshots of a cloud, from 1.
        services: the state of each service that has one, by the emulator's name of it.
    """

    number: int
    services: dict[str, Any]


class SnapshotStore:
    """The newest snapshot of a cloud and the files that it names; opened by the process that writes them, alone.

    Args:
        folder: holds both, and nothing else but what services write there themselves.
        emulator: the version of the emulator that reads and writes.
    """

    def __init__(self, folder: Path, emulator: str) -> None:
        self._folder = folder
        self._emulator = emulator
        folder.mkdir(parents=True, exist_ok=True)
        for partial in folder.glob("*.partial"):
            partial.unlink()  # of a process that was killed while it wrote
        self.blobs = BlobStore(folder / "blobs")

    @property
    def file(self) -> Path:
        """The newest snapshot."""
        return self._folder / "snapshot"

    def read(self) -> Snapshot | None:
        """Return the newest snapshot, or None where none was ever taken.

        Raises:
            StateError: it is damaged, or another version wrote it in a form that this one does not read.
        """
        try:
            head, _, body = self.file.read_bytes().partition(b"\n")
        except FileNotFoundError:
            self._refuse_older_layout()
            return None
        try:
            described = json.loads(head)
            self._refuse_other_versions(described)
            pickled = _Reader(zlib.decompress(body), self.blobs).load()
            services = {name: _Reader(data, self.blobs).load() for name, data in pickled.items()}
            return Snapshot(int(described["number"]), services)
        except (ValueError, KeyError, TypeError, EOFError, zlib.error, pickle.UnpicklingError, OSError) as error:
            message = damaged(self.file, error)
            raise StateError(message) from error

    def write(self, snapshot: Snapshot) -> tuple[Path, set[str]]:
        """Write a snapshot through to the disk, without putting it in place of the newest.

        Returns:
            Where it is, and the names of the blobs that were written for it.
        """
        head = json.dumps({"format": FORMAT, "emulator": self._emulator, "number": snapshot.number}).encode()
        pickled, kept = {}, set()
        for name, state in snapshot.services.items():
            if name in HOLD_FILES:
                writer = _Writer(self.blobs)
                pickled[name] = writer.dumps(state)
                kept |= writer.kept
            else:
                pickled[name] = pickle.dumps(state, PROTOCOL)
        body = zlib.compress(pickle.dumps(pickled, PROTOCOL), COMPRESSION)
        # A name of its own: a process that was killed may have left one behind that is still writing.
        path = self._folder / f"{uuid.uuid4().hex}.partial"
        path.write_bytes(head + b"\n" + body)
        sync(path)
        return path, kept

    def commit(self, written: Path) -> None:
        """Put a written snapshot in place of the newest, as a whole and for good."""
        written.rename(self.file)
        sync(self._folder)

    def _refuse_older_layout(self) -> None:
        state = self._folder.parent
        if any((state / name).is_dir() for name in _OLDER_LAYOUT):
            message = (
                f"An older version of Onggi wrote what {state} holds, in a form that this one does not read: "
                "`make reset` deletes it, then `make up` starts an empty cloud."
            )
            raise StateError(message)

    def _refuse_other_versions(self, described: dict[str, Any]) -> None:
        """Refuse another format, and what a newer emulator wrote: the emulator reads its own older states alone."""
        if described["format"] == FORMAT and _parts(described["emulator"]) <= _parts(self._emulator):
            return
        age = "An older" if described["format"] < FORMAT else "A newer"
        message = (
            f"{age} version of Onggi wrote {self.file}, in a form that this one does not read: use that version, or "
            "delete what the local cloud holds by `make reset`."
        )
        raise StateError(message)


class _Writer(pickle.Pickler):
    """Pickles one value with large bytes as blobs."""

    def __init__(self, blobs: BlobStore) -> None:
        self._buffer = io.BytesIO()
        super().__init__(self._buffer, PROTOCOL)
        self._blobs = blobs
        self.kept: set[str] = set()

    def dumps(self, value: object) -> bytes:
        self.dump(value)
        return self._buffer.getvalue()

    def persistent_id(self, value: object) -> str | None:
        if type(value) is not bytes or len(value) < BLOB_BYTES:
            return None
        name = self._blobs.keep(value)
        self.kept.add(name)
        return name


class _Reader(pickle.Unpickler):
    """Makes containers and nothing else, with large bytes from their blobs."""

    def __init__(self, data: bytes, blobs: BlobStore) -> None:
        super().__init__(io.BytesIO(data))
        self._blobs = blobs
        self._read: dict[str, bytes] = {}

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - a class
        if (module, name) not in CONTAINERS:
            message = f"it names {module}.{name}"
            raise pickle.UnpicklingError(message)
        return super().find_class(module, name)

    def persistent_load(self, name: str) -> bytes:
        if name not in self._read:  # functions share layers
            self._read[name] = self._blobs.read(name)
        return self._read[name]


def damaged(file: Path, reason: object) -> str:
    """The sentence about a file that cannot be read."""
    return (
        f"{file} is damaged ({reason}): `make reset` deletes what the local cloud holds, so that `make up` works again."
    )


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]
