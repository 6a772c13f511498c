"""Excel files of both generations (.xlsx, .xls): a page for each sheet, with its tables."""

import datetime as dt
import io
import itertools
import math
import re
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple

import olefile
import python_calamine
from lxml import etree

from onggi.domain.errors import BadDocument
from readers.archive import Archive
from readers.assemble import MAX_CHARACTERS
from readers.dates import iso_date
from readers.model import Block, Heading, Page, Paragraph, Properties, RawDocument
from readers.ooxml import (
    A,
    R,
    S,
    core_properties,
    drawn_text,
    main_part,
    optional_part,
    parse_part,
    related,
    relationships,
)
from readers.sheet import Cell, Kind, Row, sheet_blocks

MAX_PLACES: Final = 12_000_000
"""Places of a sheet, from its first cell to its last. The library allocates all of them, with 32 bytes each."""

ROW_GAP: Final = 2
"""Maximum distance of used rows in a squeezed sheet: one blank row is kept to separate tables."""

EXACT_DIGITS: Final = 15
"""Digits of a number, as many as Excel keeps and shows."""

_ZIP_HEADER: Final = b"PK"
MAX_TAG_BYTES: Final = 256
"""Bytes of a cell's tag, which has a place, a style and a type."""

_CELL: Final = re.compile(
    rb'<(?:\w{1,20}:)?c\s(?:[^<>]{0,200}?\s)?r\s?=\s?["\']([A-Z]{1,3})([0-9]{1,7})["\'](?:[^<>]{0,200}[^<>/])?>'
)
"""A cell with content."""

_FIRST_YEAR: Final = 1900
_LAST_YEAR: Final = 2099
_REFERENCE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_LETTERS: Final = 26

_DECODERS: Final = {949: "cp949", 1200: "utf-16-le", 65001: "utf-8", -535: "utf-8"}
"""Encodings of an OLE property set by its code page, a signed number of 16 bits; all others are cp1252."""

_PANIC: Final = "PanicException"
"""Raised by the library for unexpected damage; it is not an `Exception` and cannot be imported."""

_WORKBOOKS: Final = ("Workbook", "Book")
_FILE_PASS: Final = 0x2F
_FIRST_RECORDS_BYTES: Final = 4096
"""The record is before those of fonts and sheets."""

Value = int | float | str | bool | dt.time | dt.date | dt.datetime | dt.timedelta


class _Drawing(NamedTuple):
    """Objects of a sheet outside its cells."""

    texts: tuple[str, ...]
    has_picture: bool


def read_xlsx(file: Path) -> RawDocument:
    """Reads an Excel file: the name of each sheet, hidden ones included, its tables and its text boxes.

    Values are read as stored: dates in ISO 8601, a percentage as a fraction; errors are blank. A sheet without
    values is a page without blocks. Comments, charts, headers and footers are left out.

    Raises:
        BadDocument: `encrypted`, `corrupt` or `too_large`.
    """
    with file.open("rb") as stream:
        is_zip = stream.read(len(_ZIP_HEADER)) == _ZIP_HEADER
    if not is_zip:
        return _read_xls(file)
    with Archive(file) as archive, file.open("rb") as stream:
        archive.check()
        source = _squeeze_workbook(archive, wide) if (wide := _wide_sheets(archive)) else stream
        return RawDocument(tuple(_pages(source, _drawings(archive))), core_properties(archive))


def _read_xls(file: Path) -> RawDocument:
    encrypted, properties = False, Properties()
    try:
        with olefile.OleFileIO(str(file)) as ole:
            encrypted = _is_encrypted(ole)
            properties = _ole_properties(ole)
    except Exception:  # noqa: S110 - olefile raises anything for damage, and the cells may be intact
        pass
    if encrypted:
        raise BadDocument("encrypted")
    with file.open("rb") as stream:
        return RawDocument(tuple(_pages(stream, {})), properties)


def _is_encrypted(ole: olefile.OleFileIO) -> bool:
    """Returns whether a record at the start of the workbook describes its encryption (MS-XLS 2.4.117)."""
    stream = next((name for name in _WORKBOOKS if ole.exists(name)), None)
    records = ole.openstream(stream).read(_FIRST_RECORDS_BYTES) if stream else b""
    position = 0
    while position + 4 <= len(records):
        kind, length = struct.unpack_from("<HH", records, position)
        if kind == _FILE_PASS:
            return True
        position += 4 + length
    return False


def _pages(source: BinaryIO, drawings: Mapping[str, _Drawing]) -> Iterator[Page]:
    """Yields a page for each sheet; reads from a stream since the library guesses the format of a path by its name."""
    left = MAX_CHARACTERS
    try:
        with python_calamine.load_workbook(source) as workbook:
            for sheet in workbook.sheets_metadata:
                is_grid = sheet.typ == python_calamine.SheetTypeEnum.WorkSheet
                blocks = [*_cell_blocks(workbook.get_sheet_by_name(sheet.name), left)] if is_grid else []
                left -= sum(map(_length, blocks))
                drawing = drawings.get(sheet.name, _Drawing((), has_picture=False))
                blocks += [Paragraph(text) for text in drawing.texts]
                needs_ocr = drawing.has_picture and not blocks
                yield Page((Heading(sheet.name, 1), *blocks) if blocks else (), needs_ocr)
    except python_calamine.PasswordError as error:
        raise BadDocument("encrypted") from error
    except python_calamine.CalamineError as error:
        raise BadDocument("corrupt") from error
    except BaseException as error:
        if type(error).__name__ == _PANIC:
            raise BadDocument("corrupt") from error
        raise


def _cell_blocks(sheet: python_calamine.CalamineSheet, most_characters: int) -> Iterator[Block]:
    if sheet.start is None:
        return iter(())
    first_column = sheet.start[1]
    merges = [
        ((top, left - first_column), (bottom, right - first_column))
        for (top, left), (bottom, right) in sheet.merged_cell_ranges or ()
    ]
    return sheet_blocks(_rows(sheet, most_characters), merges)


def _rows(sheet: python_calamine.CalamineSheet, most_characters: int) -> Iterator[Row]:
    """Yields the rows with cells in use.

    Raises:
        BadDocument: `too_large` when there are more characters.
    """
    left = most_characters
    for number, values in enumerate(sheet.iter_rows()):
        cells = {
            column: Cell(_format_value(value), _kind(value))
            for column, value in enumerate(values)
            if value != "" and not (isinstance(value, str) and not value.strip())
        }
        if cells:
            left -= sum(len(cell.text) for cell in cells.values())
            if left < 0:
                raise BadDocument("too_large")
            yield Row(number, cells)


def _kind(value: Value) -> Kind:
    if isinstance(value, str):
        return Kind.TEXT
    is_year = isinstance(value, float) and _FIRST_YEAR <= value <= _LAST_YEAR and value.is_integer()
    return Kind.TIME if is_year or isinstance(value, dt.date | dt.time) else Kind.NUMBER


def _format_value(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    return _format_number(value) if isinstance(value, int | float) else _format_moment(value)


def _format_moment(value: dt.time | dt.date | dt.datetime | dt.timedelta) -> str:
    """Returns a date without the midnight that the file adds, a time without seconds if they are zero."""
    match value:
        case dt.datetime():
            is_midnight = value.time() == dt.time()
            return value.date().isoformat() if is_midnight else value.isoformat(" ", "seconds").removesuffix(":00")
        case dt.date():
            return value.isoformat()
        case dt.time():
            return value.isoformat("seconds").removesuffix(":00")
    minutes, seconds = divmod(round(value.total_seconds()), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _format_number(value: float) -> str:
    if math.isfinite(value) and value == int(value) and abs(value) < 10**EXACT_DIGITS:
        return str(int(value))
    return f"{value:.{EXACT_DIGITS}g}"


def _length(block: Block) -> int:
    return len(block.text) if isinstance(block, Paragraph | Heading) else 0


def _sheet_parts(archive: Archive) -> dict[str, str]:
    """Returns the parts of the sheets by their visible names."""
    name = main_part(archive, "xl/workbook.xml")
    relations = relationships(archive, name)
    root = optional_part(archive, name) if name.endswith(".xml") else None
    return {
        sheet.get("name", ""): relation.target
        for sheet in (() if root is None else root.iterfind(f"{S}sheets/{S}sheet"))
        if (relation := relations.get(sheet.get(f"{R}id", "")))
    }


def _drawings(archive: Archive) -> dict[str, _Drawing]:
    drawings = {}
    for name, part in _sheet_parts(archive).items():
        root = optional_part(archive, related(relationships(archive, part), "drawing"))
        if root is not None:
            bodies = root.xpath("//*[local-name()='txBody']")
            texts = ("\n".join(map(drawn_text, body.iterfind(f"{A}p"))) for body in bodies)
            has_picture = next(root.iter(f"{A}blip"), None) is not None
            drawings[name] = _Drawing(tuple(text for text in texts if text.strip()), has_picture)
    return drawings


def _wide_sheets(archive: Archive) -> frozenset[str]:
    """Returns the parts of sheets with more places than the library can hold."""
    return frozenset(part for part in _sheet_parts(archive).values() if _count_places(archive, part) > MAX_PLACES)


def _count_places(archive: Archive, part: str) -> int:
    """Returns the number of places of a sheet up to its last cell with content."""
    columns: set[bytes] = set()
    last_row = 0
    tail = b""
    for step in archive.steps(part):
        content = tail + step
        for letters, digits in _CELL.findall(content):
            columns.add(letters)
            last_row = max(last_row, int(digits))
        tail = content[max(content.rfind(b"<"), len(content) - MAX_TAG_BYTES) :]
    return last_row * max((_column(letters.decode()) for letters in columns), default=0)


def _squeeze_workbook(archive: Archive, wide: Iterable[str]) -> io.BytesIO:
    """Returns the workbook without the blank rows and columns of the sheets that have too many."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as squeezed:
        for name in archive.names:
            if name.endswith((".xml", ".rels")):
                content = archive.read(name)
                squeezed.writestr(name, _squeeze_sheet(content) if name in wide else content)
    target.seek(0)
    return target


def _squeeze_sheet(content: bytes) -> bytes:
    """Returns a sheet whose used rows and columns are close to each other.

    Raises:
        BadDocument: `too_large` when there are still too many places.
    """
    root = parse_part(content)
    cells = [
        (int(reference[2]), _column(reference[1]), cell)
        for cell in root.iter(f"{S}c")
        if len(cell) and (reference := _REFERENCE.fullmatch(cell.get("r", "")))
    ]
    cells.sort(key=lambda placed: placed[:2])
    row_places = _close_gaps({row for row, _, _ in cells}, ROW_GAP)
    column_places = _close_gaps({column for _, column, _ in cells}, 1)
    if max(row_places.values(), default=0) * max(column_places.values(), default=0) > MAX_PLACES:
        raise BadDocument("too_large")
    data = etree.Element(f"{S}sheetData")
    for number, placed in itertools.groupby(cells, key=lambda placed: row_places[placed[0]]):
        row = etree.SubElement(data, f"{S}row", r=str(number))
        for _, column, cell in placed:
            cell.set("r", f"{_column_letters(column_places[column])}{number}")
            row.append(cell)
    sheet = etree.Element(f"{S}worksheet")
    sheet.append(data)
    squeezed: bytes = etree.tostring(sheet)
    return squeezed


def _close_gaps(numbers: Iterable[int], most: int) -> dict[int, int]:
    """Returns new numbers, from 1, for used numbers: their order is kept, gaps shrink to the most allowed."""
    places: dict[int, int] = {}
    before, place = 0, 0
    for number in sorted(numbers):
        place += min(number - before, most)
        places[number] = place
        before = number
    return places


def _column(letters: str) -> int:
    """Returns the number of a column from 1."""
    number = 0
    for letter in letters:
        number = number * _LETTERS + ord(letter) - ord("A") + 1
    return number


def _column_letters(number: int) -> str:
    letters = ""
    while number:
        number, letter = divmod(number - 1, _LETTERS)
        letters = chr(ord("A") + letter) + letters
    return letters


def _ole_properties(ole: olefile.OleFileIO) -> Properties:
    """Returns the properties that an .xls file states."""
    stated = ole.get_metadata()
    decoder = _DECODERS.get(stated.codepage, "cp1252")
    title, author = (
        text.decode(decoder, "replace").strip("\0 ") if isinstance(text, bytes) else None
        for text in (stated.title, stated.author)
    )
    created, modified = (
        iso_date(f"{moment:%Y-%m-%dT%H:%M:%S}Z") if isinstance(moment, dt.datetime) else None
        for moment in (stated.create_time, stated.last_saved_time)
    )
    return Properties(title or None, author or None, created, modified)
