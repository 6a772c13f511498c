"""The output of the command: text and tables, or one JSON document."""

import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cli.errors import CommandError

UNBOUNDED_COLUMNS = 10_000  # a pipe has no width: nothing is truncated or wrapped
# Control characters except tab and line feed: a document's text must not control the terminal.
CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    """Returns text with its control characters replaced."""
    return CONTROLS.sub("�", text)


def make_console(stream: TextIO) -> Console:
    """Returns a console without markup; it prints colours only on a terminal and if NO_COLOR is not set."""
    width = None if stream.isatty() else UNBOUNDED_COLUMNS
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False, soft_wrap=not stream.isatty())


@dataclass(frozen=True)
class Output:
    """The streams of results and errors.

    Attributes:
        as_json: Whether results and errors are printed as JSON.
        out: Standard output.
        err: Standard error, also for progress.
    """

    as_json: bool
    out: TextIO
    err: TextIO

    def result(self, document: Any, show: Callable[[Console], None]) -> None:  # noqa: ANN401 - any JSON
        """Prints a result as JSON, or else by `show`."""
        if self.as_json:
            self.out.write(json.dumps(document, ensure_ascii=False, indent=2) + "\n")
        else:
            show(make_console(self.out))

    def progress(self, text: str) -> None:
        """Prints a progress message, unless the output is JSON."""
        if not self.as_json:
            make_console(self.err).print(Text(printable(text), style="dim"))

    def error(self, error: CommandError) -> None:
        """Prints an error: one sentence, or `{"error": {"code", "message"}}`."""
        if self.as_json:
            document = {"error": {"code": error.code, "message": error.message}}
            self.err.write(json.dumps(document, ensure_ascii=False) + "\n")
        else:
            make_console(self.err).print(Text.assemble(("onggi: ", "bold red"), printable(error.message)))


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], right: Iterable[str] = ()) -> Table:
    """Returns a table without borders; the columns in `right` are right-aligned."""
    right_aligned = frozenset(right)
    result = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        result.add_column(column, justify="right" if column in right_aligned else "left", overflow="fold")
    for row in rows:
        result.add_row(*(cell if isinstance(cell, Text) else Text(printable(cell)) for cell in row))
    return result


STATUS_STYLES = {"ready": "green", "active": "green", "failed": "red", "suspended": "red", "deleting": "dim"}


def status_text(status: str) -> Text:
    """Returns a status in its colour."""
    return Text(printable(status), style=STATUS_STYLES.get(status, "yellow"))


def size_text(size: int | None) -> str:
    """Returns a number of bytes in the largest unit that it reaches (1 KiB = 1024 bytes), or a dash for None."""
    if size is None:
        return "–"
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:  # noqa: PLR2004 - the step between units
            return f"{size} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def time_text(timestamp: str | None) -> str:
    """Returns an ISO 8601 time in UTC to the minute, or a dash for None."""
    if not timestamp:
        return "–"
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return timestamp
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def number_text(number: int | None) -> str:
    """Returns a number with thousands separators, or a dash for None."""
    return "–" if number is None else f"{number:,}"


def milliseconds_text(milliseconds: float | None) -> str:
    """Returns a duration in whole milliseconds, or a dash for None."""
    return "–" if milliseconds is None else f"{milliseconds:,.0f} ms"
