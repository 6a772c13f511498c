"""Tables in text: values separated by commas, semicolons, tabs or vertical bars."""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from readers.encoding import MAX_BYTES, read_text
from readers.model import Page, RawDocument, Table

_DELIMITERS: Final = ",\t;|"
_STATED_DELIMITER: Final = re.compile(r"sep=(.)\r?\n?")
"""The first line in which spreadsheet programs state the delimiter."""

SAMPLE_CHARACTERS: Final = 64 * 1024
SAMPLE_ROWS: Final = 100

MAX_LINES_ABOVE_HEADER: Final = 3
"""Lines with titles and units above the column names."""

MAX_NAME_LENGTH: Final = 60

_NUMBER: Final = re.compile(r"[-+(₩$€£¥]{0,3}\d[\d,. ]{0,40}\)?\s?(?:%|원|[eE][-+]?\d{1,3})?")
_DATE: Final = re.compile(r"\d{4}[-./]\s?\d{1,2}[-./]\s?\d{1,2}.{0,20}|\d{1,2}[-./]\d{1,2}[-./]\d{2,4}.{0,20}")
_YEAR: Final = re.compile(r"(?:19|20)\d\d")

csv.field_size_limit(MAX_BYTES)  # set for the whole process; no file is larger

Row = Sequence[str]


def read_csv(file: Path) -> RawDocument:
    """Reads one table; the delimiter is detected in the content.

    Raises:
        BadDocument: as `read_text`.
    """
    text = read_text(file).removeprefix("\ufeff")
    if stated := _STATED_DELIMITER.match(text):
        delimiter, text = stated.group(1), text[stated.end() :]
    else:
        delimiter = _delimiter(text)
    rows = _rows(text, delimiter)
    table = Table.of_rows(rows, _header_rows(rows))
    return RawDocument((Page((table,) if table.lines else ()),))


def _rows(text: str, delimiter: str) -> list[list[str]]:
    """Returns the rows that are not blank; unpaired quotes are taken as text."""
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        rows = _rows_leniently(text, delimiter)
    return [row for row in rows if any(map(str.strip, row))]


def _rows_leniently(text: str, delimiter: str) -> list[list[str]]:
    if text.count('"') % 2 == 0:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    return [line.split(delimiter) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]


def _delimiter(text: str) -> str:
    """Returns the delimiter by which most rows have the same number of cells, at least two; on ties, more cells win."""
    sample = text[:SAMPLE_CHARACTERS]
    if len(sample) < len(text):
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, best_score = _DELIMITERS[0], (0.0, 0)
    for delimiter in _DELIMITERS:
        widths = Counter(len(row) for row in islice(_rows(sample, delimiter), SAMPLE_ROWS))
        parted = [(rows, width) for width, rows in widths.items() if width > 1]
        rows, width = max(parted, default=(0, 0))
        score = (rows / widths.total() if rows else 0.0, width)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def _header_rows(rows: list[list[str]]) -> int:
    """Returns how many rows at the top are titles and column names; 0 if the first row holds data."""
    if len(rows) <= 1:
        return 0
    width = Counter(_filled(row) for row in rows[:SAMPLE_ROWS]).most_common(1)[0][0]
    above = 0
    while width > 1 and above < MAX_LINES_ABOVE_HEADER and above + 2 < len(rows) and _filled(rows[above]) == 1:
        above += 1
    return above + 1 if _names_columns(rows[above], rows[above + 1 : SAMPLE_ROWS]) else 0


def _filled(row: Row) -> int:
    return sum(1 for cell in row if cell.strip())


def _names_columns(row: Row, below: Sequence[Row]) -> bool:
    """Returns whether a row looks like column names: short, distinct, and no numbers or dates.

    Years count as names if the columns below them do not hold years.
    """
    names = [cell.strip() for cell in row if cell.strip()]
    if len(set(names)) < len(names) or any(len(name) > MAX_NAME_LENGTH for name in names):
        return False
    values = [name for name in names if _is_value(name)]
    if not values:
        return True
    others = len(names) - len(values)
    return others > 0 and all(_YEAR.fullmatch(value) for value in values) and not _years_below(row, below)


def _years_below(row: Row, below: Sequence[Row]) -> bool:
    """Returns whether a column that begins with a year continues with years."""
    columns = [number for number, cell in enumerate(row) if _YEAR.fullmatch(cell.strip())]
    cells = [other[number].strip() for other in below for number in columns if number < len(other)]
    return bool(cells) and all(_YEAR.fullmatch(cell) for cell in cells if cell)


def _is_value(cell: str) -> bool:
    return bool(_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell))
