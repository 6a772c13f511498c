"""Takes back what was written to a database since a mark, so that it can be as it was at an earlier moment."""

import sqlite3
from collections.abc import Iterator

_SCHEMA = """
CREATE TABLE IF NOT EXISTS undo (id INTEGER PRIMARY KEY AUTOINCREMENT, mark INTEGER NOT NULL, statement TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS undo_by_mark ON undo(mark);
"""


class UndoLog:
    """Records for each change of some tables the statement that takes it back, in the transaction of the change.

    The caller sees to it that only one thread uses the connection at a time.

    Args:
        connection: to the database; its tables exist.
        tables: whose changes are recorded.

    Attributes:
        mark: the number that changes are recorded under; None while none are recorded.
    """

    def __init__(self, connection: sqlite3.Connection, tables: tuple[str, ...]) -> None:
        self.mark: int | None = None
        self._connection = connection
        connection.executescript(_SCHEMA)
        # Without this, a row that INSERT OR REPLACE puts another in place of would go unrecorded.
        connection.execute("PRAGMA recursive_triggers = ON")
        connection.create_function("undo_mark", 0, lambda: self.mark)
        for table in tables:
            for trigger in _triggers(table, connection.execute(f"PRAGMA table_info({table})").fetchall()):
                connection.execute(trigger)

    def roll_back(self, mark: int) -> None:
        """Take back every change recorded above a mark, and forget all that was recorded; within a transaction.

        Raises:
            sqlite3.DatabaseError: how to take some of them back was forgotten.
        """
        (forgotten,) = self._connection.execute("PRAGMA user_version").fetchone()
        if forgotten > mark:
            message = f"it cannot go back to {mark}, but to {forgotten} at most"
            raise sqlite3.DatabaseError(message)
        self.mark = None
        self._connection.execute("PRAGMA defer_foreign_keys = ON")  # rows come back in any order
        newest_first = "SELECT statement FROM undo WHERE mark > ? ORDER BY id DESC"
        for (statement,) in self._connection.execute(newest_first, (mark,)):
            self._connection.execute(statement)
        self._connection.execute("DELETE FROM undo")

    def forget(self, mark: int) -> None:
        """Forget what was recorded up to a mark."""
        if self._connection.execute("DELETE FROM undo WHERE mark <= ?", (mark,)).rowcount:
            self._connection.execute(f"PRAGMA user_version = {mark}")


def _triggers(table: str, columns: list[tuple[object, ...]]) -> Iterator[str]:
    """The triggers of one connection that record the changes of a table, given its `PRAGMA table_info`."""
    names = [str(column[1]) for column in columns]
    keys = [str(column[1]) for column in columns if column[5]]
    old = [f"quote(OLD.{name})" for name in names]
    row = " || ' AND ' || ".join(f"'{key} = ' || quote(NEW.{key})" for key in keys)
    values = " || ', ' || ".join(old)
    settings = " || ', ' || ".join(f"'{name} = ' || {value}" for name, value in zip(names, old, strict=True))
    statements = {
        "INSERT": f"'DELETE FROM {table} WHERE ' || {row}",  # noqa: S608 - names of the schema only
        "UPDATE": f"'UPDATE {table} SET ' || {settings} || ' WHERE ' || {row}",  # noqa: S608
        "DELETE": f"'INSERT INTO {table} ({', '.join(names)}) VALUES (' || {values} || ')'",  # noqa: S608
    }
    for change, statement in statements.items():
        yield (
            f"CREATE TEMP TRIGGER undo_{change.lower()}_{table} AFTER {change} ON main.{table}"  # noqa: S608
            f" WHEN undo_mark() IS NOT NULL"
            f" BEGIN INSERT INTO undo (mark, statement) VALUES (undo_mark(), {statement}); END"
        )
