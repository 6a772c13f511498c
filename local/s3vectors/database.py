"""What S3 Vectors stores, in one SQLite file: buckets, indexes, vectors and tags. Every write is one transaction."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any

from local.s3vectors.records import Bucket, Index, Vector
from local.s3vectors.undo import UndoLog

FILE_NAME = "s3vectors.sqlite3"

_SCHEMA = """
CREATE TABLE IF NOT EXISTS buckets (
    arn TEXT PRIMARY KEY, name TEXT NOT NULL, owner TEXT NOT NULL, created REAL NOT NULL, encryption TEXT NOT NULL,
    policy TEXT
);
CREATE TABLE IF NOT EXISTS indexes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, arn TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    bucket TEXT NOT NULL REFERENCES buckets(arn), created REAL NOT NULL, dimension INTEGER NOT NULL,
    metric TEXT NOT NULL, encryption TEXT NOT NULL, non_filterable TEXT NOT NULL, searchable TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS indexes_of_bucket ON indexes(bucket, name);
CREATE TABLE IF NOT EXISTS vectors (
    id INTEGER PRIMARY KEY AUTOINCREMENT, index_id INTEGER NOT NULL REFERENCES indexes(id) ON DELETE CASCADE,
    key TEXT NOT NULL, metadata TEXT, data BLOB NOT NULL, UNIQUE (index_id, key)
);
CREATE INDEX IF NOT EXISTS vectors_in_order ON vectors(index_id, id);
CREATE TABLE IF NOT EXISTS tags (
    arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (arn, key)
) WITHOUT ROWID;
"""
_TABLES = ("tags", "vectors", "indexes", "buckets")
_CHECKPOINT_PAGES = 8192  # 32 MB: SQLite's own 1000 would copy and sync at every full batch of vectors
_MAX_VARIABLES = 500  # keys asked for in one statement; SQLite allows more, the API never asks for more


class Database:
    """The SQLite file in `directory`. All methods may be called from any thread; each runs alone.

    Raises:
        sqlite3.DatabaseError: the file is damaged, or is no database.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._lock = RLock()
        self._file = directory / FILE_NAME
        self._connection = sqlite3.connect(self._file, check_same_thread=False, isolation_level=None)
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise
        self._undo = UndoLog(self._connection, _TABLES)

    def _prepare(self) -> None:
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        self._connection.execute("PRAGMA foreign_keys = ON")
        (found,) = self._connection.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(found)
        self._connection.executescript(_SCHEMA)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that hold the data."""
        both = (self._file, self._file.with_name(f"{FILE_NAME}-wal"))
        return tuple(file for file in both if file.exists())

    def close(self) -> None:
        """Close the file; what was written stays."""
        with self._lock:
            self._connection.close()

    def clear(self) -> None:
        """Forget everything and give the space back."""
        with self._transaction() as connection:
            for table in _TABLES:
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names are those above
        with self._lock:
            self._connection.execute("VACUUM")

    # Marks

    def roll_back(self, mark: int) -> None:
        """Take back what was written under later marks, and record what is written from now on under the next.

        Raises:
            sqlite3.DatabaseError: how to take some of it back was forgotten.
        """
        with self._transaction():
            self._undo.roll_back(mark)
        self.set_mark(mark + 1)

    def set_mark(self, mark: int) -> None:
        """Record what is written from now on under a mark, so that it can be taken back."""
        with self._lock:
            self._undo.mark = mark

    def forget(self, mark: int) -> None:
        """Forget how to take back what was written up to a mark."""
        with self._transaction():
            self._undo.forget(mark)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def _rows(self, statement: str, arguments: Sequence[object]) -> list[Any]:
        with self._lock, closing(self._connection.execute(statement, arguments)) as cursor:
            return cursor.fetchall()

    # Buckets

    def add_bucket(self, bucket: Bucket, tags: dict[str, str]) -> bool:
        """Store a new bucket; False if its name is taken."""
        with self._transaction() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO buckets VALUES (?, ?, ?, ?, ?, ?)",
                (bucket.arn, bucket.name, bucket.owner, bucket.created, json.dumps(bucket.encryption), bucket.policy),
            )
            if added.rowcount:
                _write_tags(connection, bucket.arn, tags)
            return bool(added.rowcount)

    def bucket(self, arn: str) -> Bucket | None:
        """The bucket with this ARN."""
        rows = self._rows("SELECT arn, name, owner, created, encryption, policy FROM buckets WHERE arn = ?", (arn,))
        return _bucket(rows[0]) if rows else None

    def buckets(self, owner: str, prefix: str, after: str, limit: int) -> list[Bucket]:
        """At most `limit` buckets of an owner by name, from the first one past `after`."""
        rows = self._rows(
            "SELECT arn, name, owner, created, encryption, policy FROM buckets"
            " WHERE owner = ? AND name > ? AND substr(name, 1, length(?)) = ? ORDER BY name LIMIT ?",
            (owner, after, prefix, prefix, limit),
        )
        return [_bucket(row) for row in rows]

    def bucket_count(self, owner: str) -> int:
        """How many buckets an owner has."""
        return int(self._rows("SELECT count(*) FROM buckets WHERE owner = ?", (owner,))[0][0])

    def set_policy(self, bucket: str, policy: str | None) -> None:
        """Set or take away a bucket's policy."""
        with self._transaction() as connection:
            connection.execute("UPDATE buckets SET policy = ? WHERE arn = ?", (policy, bucket))

    def remove_bucket(self, arn: str) -> bool:
        """Remove a bucket and its tags; False if it still holds an index."""
        with self._transaction() as connection:
            if connection.execute("SELECT 1 FROM indexes WHERE bucket = ? LIMIT 1", (arn,)).fetchone():
                return False
            connection.execute("DELETE FROM buckets WHERE arn = ?", (arn,))
            connection.execute("DELETE FROM tags WHERE arn = ?", (arn,))
            return True

    # Indexes

    def add_index(self, index: Index, tags: dict[str, str]) -> bool:
        """Store a new index (its `id` is given here); False if its name is taken."""
        with self._transaction() as connection:
            added = connection.execute(
                "INSERT OR IGNORE INTO indexes"
                " (arn, name, bucket, created, dimension, metric, encryption, non_filterable, searchable)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    index.arn,
                    index.name,
                    index.bucket,
                    index.created,
                    index.dimension,
                    index.metric,
                    json.dumps(index.encryption),
                    json.dumps(index.non_filterable),
                    json.dumps(index.searchable),
                ),
            )
            if added.rowcount:
                _write_tags(connection, index.arn, tags)
            return bool(added.rowcount)

    def index(self, arn: str) -> Index | None:
        """The index with this ARN."""
        rows = self._rows("SELECT * FROM indexes WHERE arn = ?", (arn,))
        return _index(rows[0]) if rows else None

    def indexes(self, bucket: str, prefix: str, after: str, limit: int) -> list[Index]:
        """At most `limit` indexes of a bucket by name, from the first one past `after`."""
        rows = self._rows(
            "SELECT * FROM indexes"
            " WHERE bucket = ? AND name > ? AND substr(name, 1, length(?)) = ? ORDER BY name LIMIT ?",
            (bucket, after, prefix, prefix, limit),
        )
        return [_index(row) for row in rows]

    def index_count(self, bucket: str) -> int:
        """How many indexes a bucket holds."""
        return int(self._rows("SELECT count(*) FROM indexes WHERE bucket = ?", (bucket,))[0][0])

    def set_searchable(self, index_id: int, searchable: dict[str, str | None]) -> None:
        """Replace an index's text search configurations."""
        with self._transaction() as connection:
            connection.execute("UPDATE indexes SET searchable = ? WHERE id = ?", (json.dumps(searchable), index_id))

    def remove_index(self, index: Index) -> None:
        """Remove an index, its vectors and its tags."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM indexes WHERE id = ?", (index.id,))
            connection.execute("DELETE FROM tags WHERE arn = ?", (index.arn,))

    # Vectors

    def put_vectors(self, index_id: int, vectors: Iterable[Vector]) -> None:
        """Write vectors, replacing those whose keys exist; all or none."""
        with self._transaction() as connection:
            connection.executemany(
                "INSERT INTO vectors (index_id, key, metadata, data) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (index_id, key) DO UPDATE SET metadata = excluded.metadata, data = excluded.data",
                ((index_id, vector.key, vector.metadata, vector.data) for vector in vectors),
            )

    def delete_vectors(self, index_id: int, keys: Iterable[str]) -> None:
        """Delete vectors; keys that do not exist are ignored."""
        with self._transaction() as connection:
            connection.executemany(
                "DELETE FROM vectors WHERE index_id = ? AND key = ?", ((index_id, key) for key in keys)
            )

    def vectors(self, index_id: int, keys: Sequence[str]) -> dict[str, Vector]:
        """The vectors with these keys, as far as they exist."""
        found: dict[str, Vector] = {}
        for start in range(0, len(keys), _MAX_VARIABLES):
            some = keys[start : start + _MAX_VARIABLES]
            marks = ",".join("?" * len(some))
            rows = self._rows(
                f"SELECT key, metadata, data, id FROM vectors WHERE index_id = ? AND key IN ({marks})",  # noqa: S608 - marks only
                (index_id, *some),
            )
            found.update((row[0], Vector(*row)) for row in rows)
        return found

    def page_of_vectors(self, index_id: int, after: int, segment: tuple[int, int], limit: int) -> list[Vector]:
        """At most `limit` vectors past the id `after`, in the order of ids, of segment `segment[0]` of `segment[1]`."""
        rows = self._rows(
            "SELECT key, metadata, data, id FROM vectors"
            " WHERE index_id = ? AND id > ? AND id % ? = ? ORDER BY id LIMIT ?",
            (index_id, after, segment[1], segment[0], limit),
        )
        return [Vector(*row) for row in rows]

    def data(self, index_id: int) -> list[tuple[str, bytes]]:
        """Key and data of every vector of an index."""
        return self._rows("SELECT key, data FROM vectors WHERE index_id = ? ORDER BY id", (index_id,))

    def metadata(self, index_id: int) -> list[tuple[str, str]]:
        """Key and metadata of every vector of an index that has metadata."""
        return self._rows("SELECT key, metadata FROM vectors WHERE index_id = ? AND metadata IS NOT NULL", (index_id,))

    # Tags

    def tags(self, arn: str) -> dict[str, str]:
        """The tags of a bucket or an index."""
        return dict(self._rows("SELECT key, value FROM tags WHERE arn = ? ORDER BY key", (arn,)))

    def set_tags(self, arn: str, tags: dict[str, str]) -> None:
        """Add tags, or change the values of those that exist."""
        with self._transaction() as connection:
            _write_tags(connection, arn, tags)

    def remove_tags(self, arn: str, keys: Iterable[str]) -> None:
        """Remove tags; keys that do not exist are ignored."""
        with self._transaction() as connection:
            connection.executemany("DELETE FROM tags WHERE arn = ? AND key = ?", ((arn, key) for key in keys))


def _write_tags(connection: sqlite3.Connection, arn: str, tags: dict[str, str]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)", ((arn, key, value) for key, value in tags.items())
    )


def _bucket(row: tuple[Any, ...]) -> Bucket:
    arn, name, owner, created, encryption, policy = row
    return Bucket(arn, name, owner, created, json.loads(encryption), policy)


def _index(row: tuple[Any, ...]) -> Index:
    *plain, encryption, non_filterable, searchable = row
    identifier, arn, name, bucket, created, dimension, metric = plain
    return Index(
        identifier,
        arn,
        name,
        bucket,
        created,
        dimension,
        metric,
        encryption=json.loads(encryption),
        non_filterable=tuple(json.loads(non_filterable)),
        searchable=json.loads(searchable),
    )
