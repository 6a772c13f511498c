"""Excel files of the generation before (BIFF 8), in an OLE container."""

import struct
from collections.abc import Mapping, Sequence
from typing import Final

from tests.files.hwp5 import make_ole

Value = str | float | bool | tuple[float, int]
"""Of a cell; pairs are numbers with their format."""

GENERAL, DATE = 0, 1
"""Formats by their places in the file."""

TITLE, AUTHOR, CREATED, MODIFIED = 2, 4, 12, 13
"""Properties by their identifiers (MS-OLEPS, SummaryInformation)."""

_KOREAN: Final = 949
_BUILT_IN_DATE: Final = 14


def make_xls(
    rows: Sequence[Sequence[Value]],
    properties: Mapping[int, str | int] | None = None,
    *,
    protected: bool = False,
) -> bytes:
    """Returns a workbook of one sheet, `시트`."""
    return make_ole(
        {"Workbook": _workbook(rows, protected=protected), "\x05SummaryInformation": _set(properties or {})}
    )


def _workbook(rows: Sequence[Sequence[Value]], *, protected: bool) -> bytes:
    formats = b"".join(_record(0xE0, struct.pack("<HH16x", 0, built_in)) for built_in in (0, _BUILT_IN_DATE))
    cells = b"".join(
        _cell(row, column, value) for row, values in enumerate(rows) for column, value in enumerate(values)
    )
    head = _record(0x809, struct.pack("<HHHHII", 0x600, 5, 0, 0, 0, 0))
    head += _record(0x2F, struct.pack("<H52x", 1)) if protected else b""
    head += _record(0x42, struct.pack("<H", 1200)) + formats
    name = "시트".encode("utf-16-le")
    listing = len(_record(0x85, b"\0" * 8 + name)) + len(_record(0xA, b""))
    head += _record(0x85, struct.pack("<IBBBB", len(head) + listing, 0, 0, len(name) // 2, 1) + name) + _record(
        0xA, b""
    )
    sheet = _record(0x809, struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0))
    return head + sheet + cells + _record(0xA, b"")


def _cell(row: int, column: int, value: Value) -> bytes:
    match value:
        case bool():
            return _record(0x205, struct.pack("<HHHBB", row, column, GENERAL, value, 0))
        case str():
            return _record(
                0x204, struct.pack("<HHHHB", row, column, GENERAL, len(value), 1) + value.encode("utf-16-le")
            )
        case (number, its_format):
            return _record(0x203, struct.pack("<HHHd", row, column, its_format, number))
        case _:
            return _record(0x203, struct.pack("<HHHd", row, column, GENERAL, value))


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _set(properties: Mapping[int, str | int]) -> bytes:
    """Returns texts in CP949, as a Korean Excel writes them, and times in ticks of 100 ns since 1601."""
    values = {1: struct.pack("<IHxx", 2, _KOREAN)}
    for identifier, value in properties.items():
        if isinstance(value, int):
            values[identifier] = struct.pack("<IQ", 0x40, value)
        else:
            text = value.encode("cp949") + b"\0"
            values[identifier] = struct.pack("<II", 0x1E, len(text)) + text + bytes(-len(text) % 4)
    places, offset = b"", 8 + 8 * len(values)
    for identifier, content in values.items():
        places += struct.pack("<II", identifier, offset)
        offset += len(content)
    section = struct.pack("<II", offset, len(values)) + places + b"".join(values.values())
    return struct.pack("<HHI16sI16sI", 0xFFFE, 0, 0, b"", 1, b"\x01", 48) + section
