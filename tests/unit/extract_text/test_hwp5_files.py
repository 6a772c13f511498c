import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from onggi.domain.errors import BadDocument
from readers.hwp5 import read_hwp5
from readers.model import Block, Heading, ListItem, Page, Paragraph, Properties, RawDocument, Table
from tests.files.hwp5 import (
    BULLET,
    COMPRESSED,
    DISTRIBUTED,
    NEW_PAGE,
    NEW_SECTION,
    NUMBER,
    OUTLINE,
    PASSWORD,
    RIGHTS_MANAGED,
    Cell,
    Control,
    document_info,
    equation,
    file_header,
    hidden_comment,
    make_hwp5,
    make_ole,
    make_sample,
    note,
    number,
    paragraph,
    record,
    ruby,
    running_head,
    section_start,
    table,
    text_box,
)
from tests.files.hwp5 import Paragraph as Made

Read = Callable[[bytes], RawDocument]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_content(content: bytes) -> RawDocument:
        file = tmp_path / "content"
        file.write_bytes(content)
        return read_hwp5(file)

    return read_content


def blocks_of(read: Read, *paragraphs: Made, info: bytes | None = None) -> tuple[Block, ...]:
    (page,) = read(make_hwp5([paragraphs], info)).pages
    return page.blocks


def code_of(read: Read, content: bytes) -> str:
    with pytest.raises(BadDocument) as caught:
        read(content)
    return caught.value.code


def test_sample(read: Read) -> None:
    assert read(make_sample()) == RawDocument(
        (
            Page(
                (
                    Heading("1. 임대차 계약서 Lease Agreement", 1),
                    Paragraph("제1조 임대인은 목적물을 임차인에게 인도한다."),
                    Paragraph("1) 계약일을 기준으로 한다."),
                    ListItem("The landlord hands over the premises.", 0, "○"),
                    ListItem("임차인은 차임을 지급한다.", 0, "○"),
                    Table(("구분 | Item", "임대료 | Rent", "보증금 | Deposit")),
                )
            ),
            Page((Heading("2. 부칙 Addenda", 1), Paragraph("이 계약은 서명한 날부터 효력이 있다."))),
        ),
        Properties("임대차 계약서", "홍길동", "2024-01-17T21:20:00+00:00"),
    )


@pytest.mark.parametrize("flags", [0, COMPRESSED, DISTRIBUTED, COMPRESSED | DISTRIBUTED])
@pytest.mark.parametrize("length", [1, 5_000])
def test_every_way_to_store_a_section(read: Read, flags: int, length: int) -> None:
    text = "똠방각하 𠮷 1조 " * length
    (page,) = read(make_hwp5([[paragraph(text)]], flags=flags)).pages
    assert page.blocks == (Paragraph(text),)


def test_control_characters_are_as_wide_as_they_are(read: Read) -> None:
    text = "가\t나\n다\x18라\x1e마\x1f바"
    assert blocks_of(read, paragraph(text)) == (Paragraph("가\t나\n다-라\u00a0마 바"),)


def test_units_that_look_like_control_characters_are_text(read: Read) -> None:
    text = "\u0b09\u0a0d\u0900가\u1f00"
    assert blocks_of(read, paragraph(text)) == (Paragraph(text),)


def test_half_a_surrogate_pair_does_not_end_the_text(read: Read) -> None:
    assert blocks_of(read, paragraph("가\ud840나")) == (Paragraph("가\ufffd나"),)


def test_marks_without_a_control_are_skipped(read: Read) -> None:
    field = Control(3, "%clk", b"\0" * 16)
    field_end = "\x04abcdefg"
    assert blocks_of(read, paragraph("이름: ", field, f"홍길동{field_end} 님")) == (Paragraph("이름: 홍길동 님"),)


def test_headers_footers_and_comments_are_left_out(read: Read) -> None:
    parts = (section_start(), running_head("머리말"), "본문", hidden_comment("숨은 설명"))
    assert blocks_of(read, paragraph(*parts)) == (Paragraph("본문"),)


def test_memos_are_left_out(read: Read) -> None:
    def made(level: int) -> bytes:
        memo = record(93, level + 1, b"\0" * 4) + record(72, level + 2, b"\0" * 16) + paragraph("메모")(level + 2)
        return paragraph("글", table([["가", "나"]]))(level) + memo

    assert blocks_of(read, made) == (Paragraph("글"), Table(("가 | 나",)))


def test_notes_and_boxes_follow_the_paragraph_in_which_they_stand(read: Read) -> None:
    box = text_box(paragraph("상자 안"), paragraph(table([["가", "나"]])))
    assert blocks_of(read, paragraph("앞 ", note("각주"), "뒤", note("미주", "en  "), box), paragraph("다음")) == (
        Paragraph("앞 뒤"),
        Paragraph("1) 각주"),
        Paragraph("1) 미주"),
        Paragraph("상자 안"),
        Table(("가 | 나",)),
        Paragraph("다음"),
    )


def test_objects_anchored_before_the_first_word_come_first(read: Read) -> None:
    grid = table([["가", "나"]])
    assert blocks_of(read, paragraph(" ", grid, "설명")) == (Table(("가 | 나",)), Paragraph(" 설명"))


def test_numbers_equations_and_small_text_stay_in_the_line(read: Read) -> None:
    parts = ("표 ", number(3, kind=4, shape=2), " ", equation("a over b"), " ", ruby("漢字", "한자"), number(7, kind=0))
    assert blocks_of(read, paragraph(*parts)) == (Paragraph("표 III a over b 漢字(한자)"),)


def test_cells_are_ordered_by_their_places_and_keep_empty_ones(read: Read) -> None:
    cells = [
        Cell([paragraph("끝")], 2, 3),
        Cell([paragraph("시간")], 0, 1, is_header=True),
        Cell([paragraph("구분")], 0, 0, is_header=True),
        Cell([paragraph("비고")], 1, 3, is_header=True),
        Cell([paragraph("첫 줄"), paragraph(""), paragraph("둘째 줄")], 2, 1),
    ]
    caption = [paragraph("표 ", number(1, kind=4), " 일정")]
    assert blocks_of(read, paragraph(table([[""] * 4] * 3, caption=caption, cells=cells))) == (
        Paragraph("표 1 일정"),
        Table(("구분 | 시간", " |  | 비고", " | 첫 줄 둘째 줄 | 끝"), header_lines=2),
    )


def test_columns_without_a_cell_of_their_own_are_removed(read: Read) -> None:
    cells = [Cell([paragraph("나")], 0, 8), Cell([paragraph("가")], 0, 1)]
    assert blocks_of(read, paragraph(table([[""]], cells=cells))) == (Table(("가 | 나",)),)


def test_a_table_within_a_cell_is_part_of_its_text(read: Read) -> None:
    inner = table([["안1", "안2"], ["안3", "안4"]])
    cells = [Cell([paragraph("앞"), paragraph(inner), paragraph("뒤")], 0, 0), Cell([paragraph("옆")], 0, 1)]
    assert blocks_of(read, paragraph(table([["", ""]], cells=cells))) == (Table(("앞 안1 안2 안3 안4 뒤 | 옆",)),)


def test_a_table_of_one_cell_is_a_frame(read: Read) -> None:
    cells = [Cell([paragraph("첫째 문단"), paragraph("둘째 문단")], 0, 0)]
    assert blocks_of(read, paragraph(table([[""]], cells=cells))) == (Paragraph("첫째 문단"), Paragraph("둘째 문단"))


def test_outlines_and_lists_carry_the_numbers_that_are_shown(read: Read) -> None:
    korean = [
        ("제^1장", 0, 1),
        ("제^2조", 0, 5),
        ("^3.", 8, 1),
        ("^1-^2-^n", 0, 1),
        ("^N", 0, 1),
        ("", 0, 1),
        ("^7", 1, 1),
    ]
    later = [("^8", 10, 1), ("^9", 13, 1), ("^10)", 5, 1)]
    info = document_info(
        [(OUTLINE, 0, 0), (OUTLINE, 1, 0), (NUMBER, 2, 2), (NUMBER, 3, 2), (NUMBER, 9, 2), (BULLET, 1, 2)],
        numberings=[[("^1.", 0, 1)] * 7, korean + later],
        bullets="○\uf06c",
    )
    shapes = (0, 1, 1, 0, 1, 2, 2, 3, 4, 5)
    texts = [paragraph(section_start(2), "가", shape=0), *(paragraph("가", shape=shape) for shape in shapes[1:])]
    assert blocks_of(read, *texts, info=info) == (
        Heading("제1장 가", 1),
        Heading("제5조 가", 2),
        Heading("제6조 가", 2),
        Heading("제2장 가", 1),
        Heading("제5조 가", 2),
        ListItem("가", 2, "가."),
        ListItem("가", 2, "나."),
        ListItem("가", 3, "2-5-2.5.나.1"),
        ListItem("가", 9, "a)"),
        ListItem("가", 1, "-"),
    )


def test_styles_of_titles_make_headings_unless_the_text_is_long(read: Read) -> None:
    info = document_info(styles=["바탕글", "제목", "개요 3", "Heading 2", "소제목", "차례 제목"])
    texts = [paragraph("글", style=style) for style in range(6)]
    assert blocks_of(read, *texts, paragraph("긴 글 " * 40, style=1), info=info) == (
        Paragraph("글"),
        Heading("글", 1),
        Heading("글", 3),
        Heading("글", 2),
        Heading("글", 3),
        Paragraph("글"),
        Paragraph("긴 글 " * 40),
    )


def test_pages_are_sections_and_breaks(read: Read) -> None:
    sections = [
        [paragraph("하나", page_break=NEW_SECTION), paragraph("둘", page_break=NEW_PAGE), paragraph("둘의 끝")],
        [paragraph("셋", page_break=NEW_SECTION | NEW_PAGE)],
        *[[paragraph(str(position))] for position in range(4, 16)],
    ]
    texts = [
        [block.text for block in page.blocks if isinstance(block, Paragraph)]
        for page in read(make_hwp5(sections)).pages
    ]
    assert texts == [["하나"], ["둘", "둘의 끝"], ["셋"], *([str(position)] for position in range(4, 16))]


@pytest.mark.parametrize("flag", [PASSWORD, RIGHTS_MANAGED, 1 << 8, 1 << 10])
def test_protected_files_are_encrypted(read: Read, flag: int) -> None:
    assert code_of(read, make_hwp5([[paragraph("가")]], flags=COMPRESSED | flag)) == "encrypted"


def packed(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


SECTION = packed(paragraph("글 " * 100)(0))
WHOLE = {"FileHeader": file_header(COMPRESSED), "DocInfo": packed(document_info()), "BodyText/Section0": SECTION}


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"BodyText/Section0": SECTION[:-5]}, id="truncated"),
        pytest.param({"BodyText/Section0": b"\xff" * 64}, id="not deflated"),
        pytest.param(
            {"BodyText/Section0": packed(record(66, 0, b"\0" * 24) + b"\x43\x04\xf0\xff")}, id="size is cut off"
        ),
        pytest.param({"BodyText/Section0": packed(record(66, 0, b"\0" * 24)[:-1])}, id="record is cut off"),
        pytest.param({"BodyText/Section0": packed(record(66, 200, b"\0" * 24))}, id="too deep"),
        pytest.param({"BodyText/Section0": None}, id="no section"),
        pytest.param({"DocInfo": None}, id="no DocInfo"),
        pytest.param({"FileHeader": None}, id="no header"),
        pytest.param({"FileHeader": file_header(COMPRESSED)[:20]}, id="short header"),
        pytest.param({"FileHeader": b"Another Document File".ljust(256)}, id="another header"),
        pytest.param({"FileHeader": file_header(DISTRIBUTED), "ViewText/Section0": SECTION}, id="no key"),
    ],
)
def test_damaged_files_are_corrupt(read: Read, change: dict[str, bytes | None]) -> None:
    assert read(make_ole(WHOLE)).pages == (Page((Paragraph("글 " * 100),)),)
    streams = {name: content for name, content in (WHOLE | change).items() if content is not None}
    assert code_of(read, make_ole(streams)) == "corrupt"


@pytest.mark.parametrize(
    "content", [b"", b"text", make_sample()[:600], b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\xff" * 2000]
)
def test_other_files_are_corrupt(read: Read, content: bytes) -> None:
    assert code_of(read, content) == "corrupt"


def test_a_damaged_summary_loses_only_the_properties(read: Read) -> None:
    document = read(make_ole(WHOLE | {"\x05HwpSummaryInformation": b"\xfe\xff" + b"\xff" * 60}))
    assert document.pages == (Page((Paragraph("글 " * 100),)),)
    assert document.properties == Properties()


def test_a_file_beyond_a_limit_is_too_large(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    content = make_hwp5([[paragraph("가")] * 100])
    assert len(read(content).pages[0].blocks) == 100
    monkeypatch.setattr("readers.hwp5_container.MAX_RECORDS", 200)
    assert code_of(read, content) == "too_large"
    monkeypatch.undo()
    monkeypatch.setattr("readers.hwp5_container.MAX_STREAM_BYTES", 3_000)
    assert code_of(read, content) == "too_large"


def test_a_nearly_empty_table_is_corrupt(read: Read) -> None:
    def diagonal(size: int) -> Sequence[Cell]:
        return [Cell([paragraph("가")], place, place) for place in range(size)]

    assert code_of(read, make_hwp5([[paragraph(table([[""]], cells=diagonal(200)))]])) == "corrupt"
    (block,) = blocks_of(read, paragraph(table([[""]], cells=diagonal(20))))
    assert isinstance(block, Table)
    assert block.lines[2] == " |  | 가"
