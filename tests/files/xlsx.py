"""Excel files for tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import escape

from tests.files.office_package import NAMESPACES, SCHEMAS, make_package

Value = str | float | bool | None

DATE: Final = 1
MOMENT: Final = 2
KOREAN_DATE: Final = 3
PERCENT: Final = 4
TIME: Final = 5
DURATION: Final = 6

_FORMATS: Final = {
    DATE: "yyyy-mm-dd",
    MOMENT: "yyyy-mm-dd hh:mm",
    KOREAN_DATE: 'yyyy"년" m"월" d"일"',
    PERCENT: "0.0%",
    TIME: "hh:mm",
    DURATION: "[h]:mm:ss",
}


@dataclass(frozen=True)
class Styled:
    """A number in one of the formats above."""

    value: float
    style: int


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook.

    Attributes:
        rows: their values from the first column on; blank cells are None.
        merges: such as `A1:B2`.
        drawing: what lies on it outside its cells.
        state: `visible`, `hidden` or `veryHidden`.
        data: what lies in `sheetData` instead of the rows.
    """

    name: str
    rows: Sequence[Sequence[Value | Styled]] = field(default=())
    merges: Sequence[str] = field(default=())
    drawing: str = ""
    state: str = "visible"
    data: str = ""


def make_xlsx(sheets: Sequence[Sheet], properties: Mapping[str, str] | None = None, *, strict: bool = False) -> bytes:
    """Returns an Excel file."""
    contents = {"xl/styles.xml": _styles()}
    relations: dict[str, list[tuple[str, str, str]]] = {"xl/workbook.xml": [("styles", "styles", "styles.xml")]}
    listed = ""
    for number, sheet in enumerate(sheets, start=1):
        name = f"xl/worksheets/sheet{number}.xml"
        contents[name] = _sheet(sheet)
        relations["xl/workbook.xml"].append((f"s{number}", "worksheet", f"worksheets/sheet{number}.xml"))
        listed += f'<sheet name="{escape(sheet.name)}" sheetId="{number}" state="{sheet.state}" r:id="s{number}"/>'
        if sheet.drawing:
            contents[f"xl/drawings/drawing{number}.xml"] = _drawing(sheet.drawing)
            relations[name] = [("d", "drawing", f"../drawings/drawing{number}.xml")]
    contents["xl/workbook.xml"] = f"<workbook {_MAIN} {NAMESPACES}><sheets>{listed}</sheets></workbook>"
    return make_package("xl/workbook.xml", contents, relations, properties, strict=strict)


def text_box(text: str) -> str:
    """Returns a shape with text on a sheet."""
    return f"<xdr:sp><xdr:txBody><a:p><a:r><a:t>{escape(text)}</a:t></a:r></a:p></xdr:txBody></xdr:sp>"


def picture() -> str:
    """Returns an image on a sheet."""
    return '<xdr:pic><xdr:blipFill><a:blip r:embed="i"/></xdr:blipFill></xdr:pic>'


_MAIN: Final = f'xmlns="{SCHEMAS}/spreadsheetml/2006/main"'


def _sheet(sheet: Sheet) -> str:
    rows = "".join(_row(number, row) for number, row in enumerate(sheet.rows, start=1))
    merges = "".join(f'<mergeCell ref="{merge}"/>' for merge in sheet.merges)
    merged = f"<mergeCells>{merges}</mergeCells>" if merges else ""
    return (
        f"<worksheet {_MAIN} {NAMESPACES}><sheetData>{sheet.data or rows}</sheetData>{merged}"
        f"{'<drawing r:id="d"/>' if sheet.drawing else ''}</worksheet>"
    )


def _row(number: int, values: Sequence[Value | Styled]) -> str:
    cells = (_cell(f"{chr(ord('A') + column)}{number}", value) for column, value in enumerate(values))
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(reference: str, value: Value | Styled) -> str:
    match value:
        case None:
            return f'<c r="{reference}" s="1"/>'
        case bool():
            return f'<c r="{reference}" t="b"><v>{int(value)}</v></c>'
        case str() if value.startswith("#"):
            return f'<c r="{reference}" t="e"><v>{value}</v></c>'
        case str():
            return f'<c r="{reference}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        case Styled():
            return f'<c r="{reference}" s="{value.style}"><v>{value.value}</v></c>'
        case _:
            return f'<c r="{reference}"><v>{value}</v></c>'


def _styles() -> str:
    formats = "".join(
        f'<numFmt numFmtId="{163 + style}" formatCode="{escape(code, {'"': "&quot;"})}"/>'
        for style, code in _FORMATS.items()
    )
    places = "".join(f'<xf numFmtId="{163 + style if style else 0}"/>' for style in (0, *_FORMATS))
    return f"<styleSheet {_MAIN}><numFmts>{formats}</numFmts><cellXfs>{places}</cellXfs></styleSheet>"


def _drawing(content: str) -> str:
    anchors = f"<xdr:twoCellAnchor>{content}</xdr:twoCellAnchor>"
    return f'<xdr:wsDr xmlns:xdr="{SCHEMAS}/drawingml/2006/spreadsheetDrawing" {NAMESPACES}>{anchors}</xdr:wsDr>'


def make_sample() -> bytes:
    """Sales in Korean and a contact list in English, with dates, numbers and properties."""
    sales = Sheet(
        "매출",
        [
            ["2026년 상반기 매출"],
            [],
            ["날짜", "지점", "금액", "완납"],
            [Styled(46027, DATE), "서울", 1250000, True],
            [Styled(46058, DATE), "부산", 830000.5, False],
            [],
            ["합계", None, 2080000.5],
        ],
        ["A1:D1"],
    )
    contacts = Sheet("Contacts", [["Name", "Department"], ["Kim", "Sales"], ["Lee", "Support"]])
    return make_xlsx(
        [sales, contacts],
        {"dc:title": "매출 현황", "dc:creator": "재무팀", "dcterms:modified": "2026-07-01T10:00:00Z"},
    )
