import collections
import contextlib
import json
import os
import pickle
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.snapshots.store import Snapshot, SnapshotStore, StateError

EMULATOR = "1.5.33"
LARGE = b"\0\xff" * (16 * 1024)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.text(), st.none()), inner)
    ),
    max_leaves=10,
)


def store_in(folder: Path, emulator: str = EMULATOR) -> SnapshotStore:
    return SnapshotStore(folder / "data", emulator)


def saved(folder: Path, services: dict[str, Any], number: int = 1) -> SnapshotStore:
    store = store_in(folder)
    path, _ = store.write(Snapshot(number, services))
    store.commit(path)
    return store


def test_a_new_cloud_has_no_snapshot(tmp_path: Path) -> None:
    assert store_in(tmp_path).read() is None


@given(services=st.dictionaries(st.text(), VALUES, max_size=3))
def test_what_is_read_is_what_was_written(services: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    read = saved(tmp_path_factory.mktemp("state"), services, 7).read()
    assert read == Snapshot(7, services)


def test_containers_and_large_bytes_come_back_as_they_were(tmp_path: Path) -> None:
    services = {
        "sqs": {"messages": collections.deque([1, 2]), "seen": {"a", "b"}},
        "dynamodb": {"items": collections.defaultdict(dict, {"k": {"n": {"__bytes__": "no bytes"}}})},
        "lambda": {"code": LARGE, "layer": LARGE, "small": LARGE[: 16 * 1024 - 1]},
        "s3": {"part": LARGE},
    }
    store = saved(tmp_path, services)
    read = store.read()
    assert read == Snapshot(1, services)
    assert type(read.services["dynamodb"]["items"]) is collections.defaultdict
    assert len(list(store.blobs.folder.iterdir())) == 1  # the three are one file
    assert store.file.stat().st_size < 16 * 1024 * 1.1


def test_a_snapshot_takes_its_place_as_a_whole(tmp_path: Path) -> None:
    store = saved(tmp_path, {"s3": "old"}, 1)
    path, _ = store.write(Snapshot(2, {"s3": "new"}))
    assert store.read() == Snapshot(1, {"s3": "old"})
    store.commit(path)
    assert store.read() == Snapshot(2, {"s3": "new"})


def test_what_a_killed_process_has_half_written_is_removed_at_the_next_start(tmp_path: Path) -> None:
    path, _ = saved(tmp_path, {"s3": "old"}).write(Snapshot(2, {"s3": "new"}))
    assert store_in(tmp_path).read() == Snapshot(1, {"s3": "old"})
    assert not path.exists()


@given(position=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_damaged_snapshot_is_noticed(position: float, bit: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever bit is wrong, no other content is read."""
    services = {"s3": {"name": "bucket", "numbers": list(range(100))}}
    store = saved(tmp_path_factory.mktemp("state"), services)
    data = bytearray(store.file.read_bytes())
    data[int(position * len(data))] ^= 1 << bit
    store.file.write_bytes(data)
    with contextlib.suppress(StateError):
        read = store.read()
        assert read is not None
        assert read.services == services


@pytest.mark.parametrize("length", [0, 10, 80, 200])
def test_a_cut_snapshot_is_noticed(tmp_path: Path, length: int) -> None:
    store = saved(tmp_path, {"s3": list(range(1000))})
    store.file.write_bytes(store.file.read_bytes()[:length])
    with pytest.raises(StateError, match="make reset"):
        store.read()


def test_a_missing_blob_is_noticed(tmp_path: Path) -> None:
    store = saved(tmp_path, {"lambda": LARGE})
    next(store.blobs.folder.iterdir()).unlink()
    with pytest.raises(StateError, match="make reset"):
        store.read()


def test_reading_runs_nothing(tmp_path: Path) -> None:
    class Harmful:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.mkdir, (str(tmp_path / "harm"),)

    store = store_in(tmp_path)
    head = json.dumps({"format": 2, "emulator": EMULATOR, "number": 1}).encode()
    store.file.write_bytes(head + b"\n" + zlib.compress(pickle.dumps({"s3": Harmful()})))
    with pytest.raises(StateError, match="make reset"):
        store.read()
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("folder", ["services", "s3", "s3vectors"])
def test_what_the_first_version_wrote_is_refused(tmp_path: Path, folder: str) -> None:
    (tmp_path / folder).mkdir()
    with pytest.raises(StateError, match=r"older version of Onggi .* `make reset`"):
        store_in(tmp_path).read()


@pytest.mark.parametrize(("number", "age"), [(1, "An older"), (3, "A newer")])
def test_another_format_is_refused(tmp_path: Path, number: int, age: str) -> None:
    store = saved(tmp_path, {})
    head, _, body = store.file.read_bytes().partition(b"\n")
    store.file.write_bytes(json.dumps(json.loads(head) | {"format": number}).encode() + b"\n" + body)
    with pytest.raises(StateError, match=f"{age} version of Onggi .* `make reset`"):
        store.read()


def test_a_newer_emulator_reads_what_an_older_one_held(tmp_path: Path) -> None:
    saved(tmp_path, {"s3": "held"})
    assert store_in(tmp_path, "1.5.100").read() == Snapshot(1, {"s3": "held"})


def test_an_older_emulator_does_not_read_what_a_newer_one_held(tmp_path: Path) -> None:
    saved(tmp_path, {"s3": "held"})
    with pytest.raises(StateError, match=r"A newer version of Onggi .* `make reset`"):
        store_in(tmp_path, "1.5.9").read()


def test_files_that_nothing_names_are_found_once_they_are_old(tmp_path: Path) -> None:
    blobs = store_in(tmp_path).blobs
    used, unused, young = blobs.add(b"used"), blobs.add(b"unused"), blobs.add(b"young")
    for name in (used, unused):
        os.utime(blobs.folder / name, (0, 0))
    assert blobs.unused({used}) == [unused]
    blobs.remove([unused])
    assert blobs.missing([used, unused, young]) == [unused]
    assert (blobs.read(used), blobs.unsynced) == (b"used", [used, unused, young])
    blobs.sync(blobs.unsynced)
