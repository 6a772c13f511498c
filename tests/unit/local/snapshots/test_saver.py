import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from local.snapshots import saver
from local.snapshots.saver import Saver
from local.snapshots.store import Snapshot, SnapshotStore


@dataclass
class Services:
    content: dict[str, Any] = field(default_factory=dict)
    changes: int = 0
    working: bool = False
    quiet: bool = True
    used: set[str] = field(default_factory=set)

    def put(self, name: str, value: Any) -> None:
        self.content[name] = value
        self.changes += 1

    def states(self) -> dict[str, Any]:
        return self.content

    def blobs(self) -> set[str]:
        return self.used

    def is_working(self) -> bool:
        return self.working

    def is_quiet(self) -> bool:
        return self.quiet


@dataclass
class Database:
    files: tuple[Path, ...] = ()
    calls: list[tuple[str, int]] = field(default_factory=list)

    def set_mark(self, mark: int) -> None:
        self.calls.append(("set_mark", mark))

    def forget(self, mark: int) -> None:
        self.calls.append(("forget", mark))


@dataclass
class Cloud:
    store: SnapshotStore
    services: Services = field(default_factory=Services)
    database: Database = field(default_factory=Database)

    def __post_init__(self) -> None:
        self.saver = Saver(self.store, self.services, self.database, 0)

    @property
    def held(self) -> Snapshot | None:
        return self.store.read() if self.store.file.exists() else None

    def live(self, *steps: Callable[[], bool | None]) -> None:
        """Let the saver run; go on with the next step once one does not return False."""

        async def run() -> None:
            task = asyncio.create_task(self.saver.run())
            for step in steps:
                async with asyncio.timeout(10):
                    while step() is False:
                        assert not task.done()
                        await asyncio.sleep(0.01)
            task.cancel()

        asyncio.run(run())


@pytest.fixture
def cloud(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cloud:
    monkeypatch.setattr(saver, "INTERVAL_SECONDS", 0.02)
    monkeypatch.setattr(saver, "REST", 0.1)
    return Cloud(SnapshotStore(tmp_path, "1.5.33"))


def number(cloud: Cloud) -> int:
    return cloud.held.number if cloud.held else 0


def test_what_changes_is_saved_by_itself(cloud: Cloud) -> None:
    cloud.live(
        lambda: number(cloud) >= 1,
        lambda: cloud.services.put("s3", "one"),
        lambda: cloud.held == Snapshot(number(cloud), {"s3": "one"}),
        lambda: cloud.services.put("s3", "two"),
        lambda: cloud.held == Snapshot(number(cloud), {"s3": "two"}),
    )


def test_while_nothing_changes_nothing_is_written(cloud: Cloud) -> None:
    cloud.live(lambda: ("forget", 1) in cloud.database.calls)
    written = cloud.store.file.stat().st_mtime_ns
    looks = iter(range(30))  # of 10 ms, beside an interval of 20
    cloud.live(lambda: next(looks, None) is None)
    assert cloud.store.file.stat().st_mtime_ns == written


def test_what_goes_on_without_requests_is_saved(cloud: Cloud) -> None:
    cloud.services.working = True
    cloud.live(lambda: number(cloud) >= 3)


def test_the_database_is_marked_before_and_forgets_after(cloud: Cloud) -> None:
    cloud.live(lambda: ("forget", 1) in cloud.database.calls)
    assert cloud.database.calls == [("set_mark", 2), ("forget", 1)]


def test_a_half_done_request_is_waited_for(cloud: Cloud) -> None:
    cloud.services.quiet = False

    def finish() -> None:
        assert cloud.held is None
        cloud.services.content["both"] = "halves"
        cloud.services.quiet = True

    looks = iter(range(20))
    cloud.live(lambda: next(looks, None) is None, finish, lambda: number(cloud) == 1)
    assert cloud.held == Snapshot(1, {"both": "halves"})


def test_a_request_that_takes_long_does_not_keep_the_rest_from_being_saved(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saver, "QUIET_SECONDS", 0.1)
    cloud.services.quiet = False
    cloud.live(lambda: number(cloud) >= 1)


def test_a_failure_is_told_and_tried_again(cloud: Cloud, caplog: pytest.LogCaptureFixture) -> None:
    held = cloud.services.content
    cloud.services.content = {"s3": lambda: "no pickle"}
    cloud.live(lambda: "could not be saved" in caplog.text, lambda: setattr(cloud.services, "content", held))
    cloud.live(lambda: number(cloud) >= 1)
    assert cloud.held is not None
    assert cloud.held.services == {}


def test_a_failure_of_the_disk_is_told_and_tried_again(
    cloud: Cloud, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = cloud.store.commit

    def fail_once(_written: Path) -> None:
        monkeypatch.setattr(cloud.store, "commit", commit)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cloud.store, "commit", fail_once)
    cloud.live(lambda: number(cloud) == 2)
    assert "No space left" in caplog.text


def test_the_last_snapshot_holds_everything_although_one_is_being_written(cloud: Cloud, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    cloud.services.content = {"s3": "earlier"}
    cloud.database.files = (gate,)  # opening it blocks whoever writes the snapshot

    def end() -> None:
        cloud.database.files = ()
        cloud.services.content = {"s3": "last"}
        cloud.saver.save_last()

    cloud.live(lambda: cloud.saver._attempt is not None, end)
    assert cloud.held == Snapshot(2, {"s3": "last"})
    assert cloud.database.calls == [("set_mark", 2), ("set_mark", 3), ("forget", 2)]


def test_blobs_that_nothing_names_any_more_are_removed(cloud: Cloud) -> None:
    used, unused = cloud.store.blobs.add(b"used"), cloud.store.blobs.add(b"unused")
    for name in (used, unused):
        os.utime(cloud.store.blobs.folder / name, (0, 0))
    cloud.services.used = {used}
    cloud.live(lambda: cloud.store.blobs.missing([unused]) == [unused] and not cloud.store.blobs.unsynced)
    assert cloud.store.blobs.missing([used]) == []
