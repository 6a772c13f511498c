"""JSON, one value or several, as lines of text."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from onggi.domain.errors import BadDocument
from readers.encoding import read_text
from readers.model import Block, Page, Paragraph, RawDocument, Table

MAX_PATH: Final = 200
"""Characters of a path; a longer one is cut at its beginning."""

MAX_CHARACTERS: Final = 32 * 1024 * 1024
"""Characters of the text: paths are repeated, so that a small file of long paths could become gigabytes."""

MAX_CELL: Final = 200
MAX_COLUMNS: Final = 64
MIN_FILLED: Final = 0.5
"""Minimum share of filled cells in a table: its objects must have most keys in common."""

TOO_DEEP_MESSAGE: Final = "The JSON nests deeper than can be read; make it flatter and upload it again."

_BLANKS: Final = re.compile(r"[ \t\r\n\ufeff]*")


class _Members(tuple[tuple[str, Any], ...]):
    """The members of an object, in order, duplicates included."""

    __slots__ = ()


def read_json(file: Path) -> RawDocument:
    """Reads one JSON value or several in a row, as in JSON Lines.

    A member of an object becomes a line `path.to.key: value`, an array of flat objects a table, other objects of an
    array paragraphs. Numbers stay as they are written; empty values say nothing and are left out.

    Raises:
        BadDocument: as `read_text`; `corrupt` for invalid JSON, `too_large` for too much text or too deep nesting.
    """
    text = read_text(file)
    try:
        values = list(_values(text))
    except json.JSONDecodeError as error:
        raise BadDocument("corrupt", _invalid_json_message(error)) from error
    except RecursionError as error:
        raise BadDocument("too_large", TOO_DEEP_MESSAGE) from error
    writer = _Writer()
    _write(values[0] if len(values) == 1 else values, writer)
    return RawDocument((Page(tuple(writer.blocks)),))


def _values(text: str) -> Iterator[Any]:
    # Numbers stay text, so that no digit is lost and no limit on digits applies.
    decoder = json.JSONDecoder(object_pairs_hook=_Members, parse_int=str, parse_float=str, parse_constant=str)
    position = _next(text, 0)
    while position < len(text):
        value, end = decoder.raw_decode(text, position)
        yield value
        position = _next(text, end)


def _next(text: str, position: int) -> int:
    blanks = _BLANKS.match(text, position)
    return blanks.end() if blanks else position


def _invalid_json_message(error: json.JSONDecodeError) -> str:
    where = f"line {error.lineno}, column {error.colno}"
    return f"The file is not valid JSON ({error.msg} in {where}); correct it and upload it again."


@dataclass(slots=True)
class _Writer:
    """Collects blocks.

    Attributes:
        lines: lines of the open paragraph.
        characters: written so far.
    """

    blocks: list[Block] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    characters: int = 0

    def line(self, path: str, text: str) -> None:
        line = f"{path}: {text}" if path else text
        self.characters += len(line)
        if self.characters > MAX_CHARACTERS:
            raise BadDocument("too_large")
        self.lines.append(line)

    def end_paragraph(self) -> None:
        if self.lines:
            self.blocks.append(Paragraph("\n".join(self.lines)))
            self.lines = []

    def table(self, path: str, rows: list[list[str]]) -> None:
        if path:
            self.line(path, "")
        self.end_paragraph()
        self.blocks.append(Table.of_rows(rows))


def _write(root: Any, writer: _Writer) -> None:  # noqa: ANN401 - JSON is of any type
    """Writes a value and all values in it, with a stack of its own since they may nest deeply."""
    waiting: list[tuple[str, Any, bool]] = [("", root, False)]
    while waiting:
        path, value, is_record = waiting.pop()
        if is_record:
            writer.end_paragraph()
        if isinstance(value, _Members):
            waiting.extend((_below(path, key), member, False) for key, member in reversed(value))
        elif not isinstance(value, list):
            _write_scalar(path, value, writer)
        elif not any(isinstance(item, (list, _Members)) for item in value):
            _write_scalars(path, value, writer)
        elif rows := _rows(value):
            writer.table(path, rows)
        else:
            waiting.extend(
                (_item(path, number), value[number], isinstance(value[number], _Members))
                for number in range(len(value) - 1, -1, -1)
            )
    writer.end_paragraph()


def _write_scalar(path: str, value: str | bool | None, writer: _Writer) -> None:
    if text := _text(value):
        writer.line(path, text)
        if not _is_short(text):
            writer.end_paragraph()


def _write_scalars(path: str, values: list[Any], writer: _Writer) -> None:
    """Writes values on one line if all are short, else on a line each."""
    texts = [text for text in map(_text, values) if text]
    if all(_is_short(text) for text in texts):
        if texts:
            writer.line(path, ", ".join(texts))
        return
    if path:
        writer.line(path, "")
    for text in texts:
        writer.line("", text)
    writer.end_paragraph()


def _rows(values: list[Any]) -> list[list[str]]:
    """Returns the rows of a table, header first; empty unless the values are flat objects with similar keys."""
    if len(values) <= 1 or not all(isinstance(value, _Members) and _is_flat(value) for value in values):
        return []
    columns: dict[str, int] = {}
    filled = 0
    for value in values:
        filled += len(value)
        for key, _ in value:
            columns.setdefault(key, len(columns))
        if len(columns) > MAX_COLUMNS:
            return []
    if not columns or filled < MIN_FILLED * len(columns) * len(values):
        return []
    return [list(columns), *(_row(dict(value), columns) for value in values)]


def _row(members: Mapping[str, Any], columns: Mapping[str, int]) -> list[str]:
    return [_text(members.get(key)) if members.get(key) is not None else "" for key in columns]


def _is_flat(members: _Members) -> bool:
    keys = {key for key, _ in members}
    return len(keys) == len(members) and all(
        not isinstance(value, (list, _Members)) and _is_short(_text(value)) for _, value in members
    )


def _is_short(text: str) -> bool:
    return len(text) <= MAX_CELL and "\n" not in text


def _text(value: str | bool | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def _below(path: str, key: str) -> str:
    return _shortened(f"{path}.{key}" if path else key)


def _item(path: str, number: int) -> str:
    """Returns the path of an element; empty in the outermost array, whose elements are paragraphs of their own."""
    return _shortened(f"{path}[{number}]") if path else ""


def _shortened(path: str) -> str:
    return path if len(path) <= MAX_PATH else "…" + path[-MAX_PATH:]
