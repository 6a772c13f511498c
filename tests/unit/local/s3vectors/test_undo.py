"""The database goes back to the moment of a mark, whatever was written since and however the process ended."""

import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.s3vectors.database import FILE_NAME, Database
from local.s3vectors.records import Bucket, Index, Vector

TABLES = ("buckets", "indexes", "vectors", "tags")
NAMES = st.sampled_from("abc")


def add_bucket(database: Database, name: str, tag: str) -> None:
    database.add_bucket(Bucket(name, name, "owner", 1.0, {"sseType": "AES256"}), {"tag": tag})


def add_index(database: Database, name: str, tag: str) -> None:
    if database.bucket(name):
        database.add_index(Index(0, f"i{name}", "i", name, 1.0, 1, "cosine", {}, (), {}), {"tag": tag})


def put_vectors(database: Database, name: str, text: str) -> None:
    index = database.index(f"i{name}")
    if index:
        database.put_vectors(index.id, [Vector(key, text and f'{{"t": "{text}\'한"}}', text.encode()) for key in "xy"])


def delete_vectors(database: Database, name: str, text: str) -> None:
    index = database.index(f"i{name}")
    if index:
        database.delete_vectors(index.id, ["x", text])


def remove_index(database: Database, name: str, _text: str) -> None:
    index = database.index(f"i{name}")
    if index:
        database.remove_index(index)


def remove_bucket(database: Database, name: str, _text: str) -> None:
    database.remove_bucket(name)


def tag(database: Database, name: str, text: str) -> None:
    database.set_tags(name, {"tag": text, text: "1"})
    database.set_policy(name, text)


def untag(database: Database, name: str, _text: str) -> None:
    database.remove_tags(name, ["tag"])


def search_texts(database: Database, name: str, text: str) -> None:
    index = database.index(f"i{name}")
    if index:
        database.set_searchable(index.id, {text: None})


def clear(database: Database, _name: str, _text: str) -> None:
    database.clear()


CHANGES = st.tuples(
    st.sampled_from(
        [
            add_bucket,
            add_index,
            put_vectors,
            delete_vectors,
            remove_index,
            remove_bucket,
            tag,
            untag,
            search_texts,
            clear,
        ]
    ),
    NAMES,
    st.sampled_from(["one", "two"]),
)


def content(database: Database) -> dict[str, list[Any]]:
    rows = {table: database._rows(f"SELECT * FROM {table}", ()) for table in TABLES}  # noqa: S608 - the names are above
    return {table: sorted(found, key=repr) for table, found in rows.items()}


@given(saved=st.lists(st.lists(CHANGES, max_size=6), max_size=4), lost=st.lists(CHANGES, max_size=12))
def test_what_was_written_since_the_mark_is_gone_after_a_sudden_end(saved: list[list[Any]], lost: list[Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        live = Database(Path(folder, "live"))
        live.roll_back(0)
        for mark, changes in enumerate(saved, start=1):
            for change, *arguments in changes:
                change(live, *arguments)
            live.set_mark(mark + 1)
            live.forget(mark)
        wanted = content(live)
        for change, *arguments in lost:
            change(live, *arguments)
        # What the disk holds at this moment; the process that holds the file never closes it.
        shutil.copytree(Path(folder, "live"), Path(folder, "left"))
        left = Database(Path(folder, "left"))
        left.roll_back(len(saved))
        assert content(left) == wanted
        left.close()
        live.close()


def test_a_snapshot_that_was_not_finished_changes_nothing(tmp_path: Path) -> None:
    database = Database(tmp_path)
    database.roll_back(0)
    add_bucket(database, "a", "one")
    database.set_mark(2)  # the first snapshot begins, and is never finished
    add_bucket(database, "b", "one")
    database.roll_back(0)
    assert content(database) == {table: [] for table in TABLES}
    database.close()


def test_what_was_forgotten_cannot_be_taken_back(tmp_path: Path) -> None:
    database = Database(tmp_path)
    database.roll_back(0)
    add_bucket(database, "a", "one")
    database.forget(1)
    with pytest.raises(sqlite3.DatabaseError, match="cannot go back to 0, but to 1 at most"):
        database.roll_back(0)
    database.roll_back(1)
    assert database.bucket("a")
    database.close()


def test_without_a_mark_nothing_is_recorded(tmp_path: Path) -> None:
    database = Database(tmp_path)
    add_bucket(database, "a", "one")
    assert database._rows("SELECT * FROM undo", ()) == []
    database.close()


@pytest.mark.parametrize("position", [0, 30, 4096])
def test_a_damaged_file_is_noticed_when_it_is_opened(tmp_path: Path, position: int) -> None:
    database = Database(tmp_path)
    add_bucket(database, "a", "one")
    database.close()
    file = tmp_path / FILE_NAME
    data = bytearray(file.read_bytes())
    data[position : position + 3000] = b"\xff" * 3000
    file.write_bytes(data)
    with pytest.raises(sqlite3.DatabaseError):
        Database(tmp_path)
