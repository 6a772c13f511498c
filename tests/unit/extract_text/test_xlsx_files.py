from collections.abc import Callable
from pathlib import Path

import pytest

from onggi.domain.errors import BadDocument
from readers.model import Block, Heading, Page, Paragraph, Properties, RawDocument, Table
from readers.xlsx import read_xlsx
from tests.files import xls
from tests.files.office_package import make_zip
from tests.files.xlsx import (
    DATE,
    DURATION,
    KOREAN_DATE,
    MOMENT,
    PERCENT,
    TIME,
    Sheet,
    Styled,
    Value,
    make_sample,
    make_xlsx,
    picture,
    text_box,
)

Read = Callable[[bytes], RawDocument]
Rows = list[list[Value | Styled]]
Blocks = Callable[[Rows, list[str]], tuple[Block, ...]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: bytes) -> RawDocument:
        file = tmp_path / "content"
        file.write_bytes(content)
        return read_xlsx(file)

    return read


@pytest.fixture
def blocks(read: Read) -> Blocks:
    def blocks(rows: Rows, merges: list[str]) -> tuple[Block, ...]:
        (page,) = read(make_xlsx([Sheet("s", rows, merges)])).pages
        assert page.blocks[0] == Heading("s", 1)
        return page.blocks[1:]

    return blocks


@pytest.mark.parametrize("name", ["prices.xlsx", "prices.xls", "prices.xlsb", "prices.ods", "prices"])
@pytest.mark.parametrize("content", [make_sample(), xls.make_xls([["품목", "단가"], ["의자", 10.0]])])
def test_the_name_of_a_file_does_not_matter(read: Read, tmp_path: Path, content: bytes, name: str) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    assert read_xlsx(file) == read(content)


def sparse(*references: str) -> str:
    return "".join(
        f'<row><c s="1" r="{reference}" t="inlineStr"><is><t>{reference}</t></is></c></row>' for reference in references
    )


def test_the_sample_has_all_of_its_structure(read: Read) -> None:
    document = read(make_sample())
    assert document.properties == Properties("매출 현황", "재무팀", None, "2026-07-01T10:00:00Z")
    assert document.pages == (
        Page(
            (
                Heading("매출", 1),
                Paragraph("2026년 상반기 매출"),
                Table(
                    (
                        "날짜 | 지점 | 금액 | 완납",
                        "2026-01-05 | 서울 | 1250000 | TRUE",
                        "2026-02-05 | 부산 | 830000.5 | FALSE",
                        "합계 |  | 2080000.5",
                    ),
                    1,
                ),
            )
        ),
        Page((Heading("Contacts", 1), Table(("Name | Department", "Kim | Sales", "Lee | Support"), 1))),
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3.0, "3"),
        (-2, "-2"),
        (0.1 + 0.2, "0.3"),
        (12345.678, "12345.678"),
        (123456789012345, "123456789012345"),
        (1e21, "1e+21"),
        (True, "TRUE"),
        (Styled(46027, DATE), "2026-01-05"),
        (Styled(46027, KOREAN_DATE), "2026-01-05"),
        (Styled(46027, MOMENT), "2026-01-05"),
        (Styled(46027.5625, MOMENT), "2026-01-05 13:30"),
        (Styled(0.125, PERCENT), "0.125"),
        (Styled(0.375, TIME), "09:00"),
        (Styled(1.25, DURATION), "30:00:00"),
        ("여러\n줄", "여러\n줄"),
    ],
)
def test_values_as_they_are_stored(blocks: Blocks, value: Value | Styled, shown: str) -> None:
    assert blocks([[value]], []) == (Paragraph(shown),)


def test_errors_and_blanks_are_no_text(read: Read) -> None:
    (page,) = read(make_xlsx([Sheet("s", [["#DIV/0!", "  ", None]])])).pages
    assert page == Page(())


def test_sheets_that_are_hidden_and_sheets_without_text(read: Read) -> None:
    sheets = [Sheet("비밀", [["x"]], state="hidden"), Sheet("빈 시트"), Sheet("더", [["y"]], state="veryHidden")]
    assert [page.blocks for page in read(make_xlsx(sheets)).pages] == [
        (Heading("비밀", 1), Paragraph("x")),
        (),
        (Heading("더", 1), Paragraph("y")),
    ]


def test_a_blank_row_does_not_end_a_table(blocks: Blocks) -> None:
    rows: Rows = [["이름", "점수"], ["김", 1], [], ["이", 2], [], ["합계", 3]]
    assert blocks(rows, []) == (Table(("이름 | 점수", "김 | 1", "이 | 2", "합계 | 3"), 1),)
    assert blocks([["이름", "부서"], ["김", "영업"], [], ["이", "개발"]], []) == (
        Table(("이름 | 부서", "김 | 영업", "이 | 개발"), 1),
    )


@pytest.mark.parametrize(
    "second",
    [
        pytest.param([["품목", "수량"], ["펜", 3]], id="names over numbers"),
        pytest.param([["이름", "점수"], ["박", "없음"]], id="the same names again"),
        pytest.param([["품목", "색"], ["펜", "청", "새것"]], id="more columns"),
    ],
)
def test_a_row_of_names_after_a_blank_row_begins_a_table(blocks: Blocks, second: Rows) -> None:
    first: Rows = [["이름", "점수"], ["김", 1]]
    tables = blocks([*first, [], *second], [])
    assert [table.lines[0] for table in tables if isinstance(table, Table)] == [
        "이름 | 점수", " | ".join(str(name) for name in second[0])
    ]  # fmt: skip


def test_texts_between_tables_become_paragraphs(blocks: Blocks) -> None:
    rows: Rows = [["제목"], ["단위: 원"], ["a", "b"], ["c", "d"], [], ["1. 지출"], ["e", "f"], ["g", "h"], [], ["끝"]]
    assert blocks(rows, []) == (
        Paragraph("제목\n단위: 원"),
        Table(("a | b", "c | d"), 1),
        Paragraph("1. 지출"),
        Table(("e | f", "g | h"), 1),
        Paragraph("끝"),
    )


@pytest.mark.parametrize(
    ("rows", "merges", "header_rows"),
    [
        ([["a", "b"], ["c", 1]], [], 1),
        ([["구분", "2026"], [None, "상반기"], ["x", 1]], ["A1:A2"], 2),
        ([["구분", "2026", None], ["이름", "상반기", "하반기"], ["x", 1, 2]], ["B1:C1"], 2),
        ([["구분", "2026", None], ["x", 1, 2], ["y", 1, 2]], ["B1:C1"], 1),
        ([["서울", 1], [None, 2], [None, 3], [None, 4]], ["A1:A4"], 0),
        ([["지역", "a"], [None, "b"], [None, "c"], [None, "d"], ["x", "e"]], ["A1:A4"], 1),
        ([["구분", 2025, 2026], ["x", 1, 2]], [], 1),
        ([[2025, 2026], [1, 2]], [], 1),
        ([["구분", Styled(46027, DATE)], ["x", 1]], [], 1),
        ([["펜", 120], ["공책", 180]], [], 0),
        ([[1, 2], [3, 4]], [], 0),
        ([["a", "b"]], [], 0),
    ],
)
def test_rows_that_name_the_columns(blocks: Blocks, rows: Rows, merges: list[str], header_rows: int) -> None:
    (table,) = blocks(rows, merges)
    assert isinstance(table, Table)
    assert table.header_lines == header_rows


def test_merged_cells_count_from_the_first_column_in_use(read: Read) -> None:
    cells = (("B2", "구분"), ("C2", "2026"), ("C3", "상"), ("D3", "하"), ("B4", "x"), ("C4", "1"), ("D4", "2"))
    data = "".join(
        f'<row><c r="{reference}" t="inlineStr"><is><t>{text}</t></is></c></row>' for reference, text in cells
    )
    (page,) = read(make_xlsx([Sheet("s", data=data, merges=["B2:B3", "C2:D2"])])).pages
    assert page.blocks[1] == Table(("구분 | 2026", " | 상 | 하", "x | 1 | 2"), 2)


def test_columns_without_text_are_removed(blocks: Blocks) -> None:
    assert blocks([[None, "a", None, "b"], [None, "c", None, "d"]], []) == (Table(("a | b", "c | d"), 1),)


def test_text_boxes_follow_the_cells_and_pictures_need_recognition(read: Read) -> None:
    sheets = [
        Sheet("a", [["글"]], drawing=text_box("상자") + picture()),
        Sheet("b", drawing=picture()),
        Sheet("c", drawing=text_box("상자")),
    ]
    assert read(make_xlsx(sheets)).pages == (
        Page((Heading("a", 1), Paragraph("글"), Paragraph("상자"))),
        Page((), needs_ocr=True),
        Page((Heading("c", 1), Paragraph("상자"))),
    )


def test_the_strict_variant_reads_the_same(read: Read) -> None:
    sheet = Sheet("s", [["a", "b"], ["c", Styled(46027, DATE)]], drawing=text_box("상자"))
    strict, transitional = (read(make_xlsx([sheet], strict=strict)) for strict in (True, False))
    assert strict == transitional


@pytest.mark.parametrize("last", ["XFD1048576", "AAA1048576", "A1048576"])
def test_cells_far_from_each_other_are_read(read: Read, last: str) -> None:
    sheets = [Sheet("s", data=sparse("A1", "B1", last)), Sheet("t", [["a", "b"], ["c", 1]])]
    first, second = read(make_xlsx(sheets)).pages
    assert first.blocks == (Heading("s", 1), Table(("A1 | B1",), 0), Paragraph(last))
    assert second.blocks == (Heading("t", 1), Table(("a | b", "c | 1"), 1))


def test_a_sheet_that_cannot_be_squeezed_is_too_large(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readers.xlsx.MAX_PLACES", 8)
    assert read(make_xlsx([Sheet("s", data=sparse("A1", "D9"))])).pages[0].blocks[1:] == (
        Paragraph("A1"),
        Paragraph("D9"),
    )
    with pytest.raises(BadDocument, match="too_large"):
        read(make_xlsx([Sheet("s", data=sparse("A1", "B2", "C3"))]))


def test_more_text_than_any_document_has_is_too_large(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("readers.xlsx.MAX_CHARACTERS", 10)
    fits = [Sheet("a", [["x" * 5]]), Sheet("b", [["x" * 5]])]
    assert len(read(make_xlsx(fits)).pages) == 2
    with pytest.raises(BadDocument, match="too_large"):
        read(make_xlsx([*fits, Sheet("c", [["x"]])]))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, id="no workbook within OLE"),
        pytest.param(make_zip({"xl/other.xml": "<x/>"}), id="no workbook within a zip"),
        pytest.param(b"plain", id="no container"),
    ],
)
def test_files_without_a_workbook_are_corrupt(read: Read, content: bytes) -> None:
    with pytest.raises(BadDocument, match="corrupt"):
        read(content)


@pytest.mark.parametrize("filling", [b"<c ", b"<c r", b"<", b"x", b'<c r="A1" '])
def test_endless_tags_are_read_in_bounds(read: Read, filling: bytes) -> None:
    data = (filling * (2**20 // len(filling))).decode()
    with pytest.raises(BadDocument):
        read(make_xlsx([Sheet("s", data=data)]) if filling != b"x" else make_xlsx([Sheet("s", data=f"<{data}")]))


def test_an_xls_file_is_read(read: Read) -> None:
    rows: list[list[xls.Value]] = [
        ["이름", "날짜", "금액"],
        ["김", (46027.0, xls.DATE), 3.5],
        ["이", (46058.5, xls.DATE), True],
    ]
    ticks = (((2026 - 1601) * 365 + 103) * 86400 + 9 * 3600) * 10**7  # 103 leap days until 2026
    stated: dict[int, str | int] = {
        xls.TITLE: "급여 대장",
        xls.AUTHOR: "인사팀",
        xls.CREATED: ticks,
        xls.MODIFIED: ticks,
    }
    document = read(xls.make_xls(rows, stated))
    assert document.properties == Properties("급여 대장", "인사팀", "2026-01-01T09:00:00Z", "2026-01-01T09:00:00Z")
    lines = ("이름 | 날짜 | 금액", "김 | 2026-01-05 | 3.5", "이 | 2026-02-05 12:00 | TRUE")
    assert document.pages == (Page((Heading("시트", 1), Table(lines, 1))),)
    assert read(xls.make_xls([["글"]])).properties == Properties()


def test_a_protected_xls_file_is_encrypted(read: Read) -> None:
    with pytest.raises(BadDocument, match="encrypted"):
        read(xls.make_xls([["글"]], protected=True))


def test_damage_at_which_the_library_panics_is_corrupt(read: Read) -> None:
    content = bytearray(xls.make_xls([["이름", "날짜"], ["김", (46027.0, xls.DATE)]]))
    length_of_code_page = 534
    content[length_of_code_page : length_of_code_page + 2] = b"\x01\x00"
    with pytest.raises(BadDocument, match="corrupt"):
        read(bytes(content))
