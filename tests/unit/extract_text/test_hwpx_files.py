from collections.abc import Callable
from pathlib import Path

import pytest

from onggi.domain.errors import BadDocument
from readers.hwpx import read_hwpx
from readers.model import Block, Heading, ListItem, Page, Paragraph, Properties, RawDocument, Table
from tests.files.hwpx import (
    XML,
    cell,
    control,
    document_header,
    inner,
    make_hwpx,
    make_sample,
    note,
    number,
    package,
    paragraph,
    section,
    table,
    table_of_cells,
    text,
    text_box,
)

Read = Callable[[bytes], RawDocument]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_content(content: bytes) -> RawDocument:
        file = tmp_path / "content"
        file.write_bytes(content)
        return read_hwpx(file)

    return read_content


def blocks_of(read: Read, *paragraphs: str, header: str | None = None) -> tuple[Block, ...]:
    (page,) = read(make_hwpx([paragraphs], header)).pages
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
        Properties("임대차 계약서", "홍길동", "2026-01-05T09:00:00Z"),
    )


@pytest.mark.parametrize("year", [2011, 2016, 2024])
def test_namespaces_of_every_year(read: Read, year: int) -> None:
    document = read(make_hwpx([[paragraph(text("똠방각하"), table([["가", "나"]]))]], year=year))
    assert document.pages == (Page((Paragraph("똠방각하"), Table(("가 | 나",)))),)


def test_runs_and_marks_within_a_text(read: Read) -> None:
    marked = (
        '<hp:t>다<hp:markpenBegin color="#FFFF00"/>라<hp:markpenEnd/>'
        "<hp:nbSpace/>마<hp:fwSpace/>바<hp:hyphen/>사</hp:t>"
    )
    assert blocks_of(read, paragraph(text("가\t나\n"), marked)) == (Paragraph("가\t나\n다라\u00a0마 바-사"),)


def test_deleted_text_is_left_out_even_over_several_runs(read: Read) -> None:
    runs = (
        '<hp:t>처음<hp:insertBegin Id="1"/> 넣은<hp:insertEnd Id="1"/><hp:deleteBegin Id="2"/> 지운</hp:t>',
        text(" 지운 것"),
        '<hp:t> 지운<hp:deleteEnd Id="2" paraend="0"/> 끝</hp:t>',
    )
    assert blocks_of(read, paragraph(*runs), paragraph(text("다음"))) == (Paragraph("처음 넣은 끝"), Paragraph("다음"))


def test_headers_footers_comments_and_field_texts_are_left_out(read: Read) -> None:
    hidden = paragraph(text("안 보임"))
    memo = f'<hp:fieldBegin type="MEMO">{inner(hidden)}</hp:fieldBegin>'
    guide = (
        '<hp:fieldBegin type="CLICK_HERE"><hp:parameters>'
        '<hp:stringParam name="Direction">안내</hp:stringParam></hp:parameters></hp:fieldBegin>'
    )
    controls = [f"<hp:{name}>{inner(hidden)}</hp:{name}>" for name in ("header", "footer", "hiddenComment")]
    runs = [control(content) for content in (*controls, memo, guide)]
    assert blocks_of(read, paragraph(*runs, text("본문"), control("<hp:fieldEnd/>"))) == (Paragraph("본문"),)


def test_headers_and_footers_may_be_in_the_properties_of_a_section(read: Read) -> None:
    head = f"<hp:header>{inner(paragraph(text('머리말')))}</hp:header>"
    assert blocks_of(read, paragraph(f"<hp:secPr>{head}</hp:secPr>", text("본문"))) == (Paragraph("본문"),)


def test_notes_and_boxes_follow_the_paragraph_in_which_they_stand(read: Read) -> None:
    box = text_box(paragraph(text("상자 안")), paragraph(table([["가", "나"]])))
    group = f"<hp:container>{box}<hp:shapeComment>묶음</hp:shapeComment></hp:container>"
    runs = (text("앞 "), note("각주"), text("뒤"), note("미주", "endNote"), group)
    assert blocks_of(read, paragraph(*runs), paragraph(text("다음"))) == (
        Paragraph("앞 뒤"),
        Paragraph("1) 각주"),
        Paragraph("1) 미주"),
        Paragraph("상자 안"),
        Table(("가 | 나",)),
        Paragraph("다음"),
    )


def test_objects_anchored_before_the_first_word_come_first(read: Read) -> None:
    assert blocks_of(read, paragraph(text(" "), table([["가", "나"]]), text("설명"))) == (
        Table(("가 | 나",)),
        Paragraph(" 설명"),
    )


def test_numbers_equations_and_small_text_stay_in_the_line(read: Read) -> None:
    runs = (
        text("표 ") + number(3, "TABLE", "ROMAN_CAPITAL"),
        "<hp:equation><hp:shapeComment>수식</hp:shapeComment><hp:script> a over b </hp:script></hp:equation>",
        "<hp:dutmal><hp:mainText>漢字</hp:mainText><hp:subText>한자</hp:subText></hp:dutmal>",
        '<hp:compose composeText="12"/>',
        number(7, "PAGE"),
    )
    assert blocks_of(read, paragraph(*runs)) == (Paragraph("표 III a over b 漢字(한자)12"),)


def test_forms_and_text_art_are_read(read: Read) -> None:
    runs = (
        '<hp:checkBtn caption="동의함"/>',
        "<hp:edit><hp:text> 홍길동</hp:text></hp:edit>",
        '<hp:textart text="축 개업␍␊환영"><hp:shapeComment>글맵시</hp:shapeComment></hp:textart>',
    )
    assert blocks_of(read, paragraph(*runs)) == (Paragraph("동의함 홍길동"), Paragraph("축 개업\n환영"))


def test_one_of_several_alternatives_is_read(read: Read) -> None:
    case = f'<hp:case hp:required-namespace="x">{text_box(paragraph(text("새것")))}</hp:case>'
    default = f"<hp:default>{text_box(paragraph(text('옛것')))}</hp:default>"
    assert blocks_of(read, paragraph(f"<hp:switch>{case}{default}</hp:switch>")) == (Paragraph("옛것"),)
    assert blocks_of(read, paragraph(f"<hp:switch>{case}</hp:switch>")) == (Paragraph("새것"),)


def test_cells_are_ordered_by_their_places_and_keep_empty_ones(read: Read) -> None:
    lines = [paragraph(text("첫 줄")), paragraph(), paragraph(text("둘째 줄"))]
    rows = [
        [cell(paragraph(text("시간")), 0, 1, header=True), cell(paragraph(text("구분")), 0, 0, header=True)],
        [cell(paragraph(text("비고")), 1, 3, header=True)],
        [cell("".join(lines), 2, 1), cell(paragraph(text("끝")), 2, 3)],
    ]
    caption = paragraph(text("표 ") + number(1, "TABLE") + text(" 일정"))
    assert blocks_of(read, paragraph(table_of_cells(rows, caption))) == (
        Paragraph("표 1 일정"),
        Table(("구분 | 시간", " |  | 비고", " | 첫 줄 둘째 줄 | 끝"), header_lines=2),
    )


def test_cells_without_addresses_keep_their_order(read: Read) -> None:
    cells = [f"<hp:tc>{inner(paragraph(text(sign)))}</hp:tc>" for sign in "가나다라"]
    assert blocks_of(read, paragraph(table_of_cells([cells[:2], cells[2:]]))) == (Table(("가 | 나", "다 | 라")),)


def test_a_table_within_a_cell_is_part_of_its_text(read: Read) -> None:
    nested = paragraph(text("앞")) + paragraph(table([["안1", "안2"], ["안3", "안4"]])) + paragraph(text("뒤"))
    outer = table_of_cells([[cell(nested, 0, 0), cell(paragraph(text("옆")), 0, 1)]])
    assert blocks_of(read, paragraph(outer)) == (Table(("앞 안1 안2 안3 안4 뒤 | 옆",)),)


def test_a_table_of_one_cell_is_a_frame(read: Read) -> None:
    frame = table_of_cells([[cell(paragraph(text("첫째 문단")) + paragraph(text("둘째 문단")), 0, 0)]])
    assert blocks_of(read, paragraph(frame)) == (Paragraph("첫째 문단"), Paragraph("둘째 문단"))


def test_outlines_and_lists_carry_the_numbers_that_are_shown(read: Read) -> None:
    levels = [
        ("제^1장", "DIGIT", 1),
        ("제^2조", "DIGIT", 5),
        ("^3.", "HANGUL_SYLLABLE", 1),
        ("^n)", "CIRCLED_DIGIT", 1),
    ]
    header = document_header(
        [("OUTLINE", 0, 0), ("OUTLINE", 1, 0), ("NUMBER", 2, 2), ("NUMBER", 3, 2), ("NUMBER", 9, 2), ("BULLET", 1, 2)],
        numberings=[[("^1.", "DIGIT", 1)] * 7, levels],
        bullets="○\uf06c",
    )
    start = '<hp:secPr outlineShapeIDRef="2"/>'
    texts = [
        paragraph(start, text("가"), shape=0),
        *(paragraph(text("가"), shape=shape) for shape in (1, 1, 0, 2, 2, 3, 4, 5)),
    ]
    assert blocks_of(read, *texts, header=header) == (
        Heading("제1장 가", 1),
        Heading("제5조 가", 2),
        Heading("제6조 가", 2),
        Heading("제2장 가", 1),
        ListItem("가", 2, "가."),
        ListItem("가", 2, "나."),
        ListItem("가", 3, "2.5.나.①)"),
        ListItem("가", 9, "-"),
        ListItem("가", 1, "-"),
    )


def test_headings_have_six_levels_though_outlines_have_ten(read: Read) -> None:
    header = document_header([("OUTLINE", 9, 0)], styles=["개요 10"])
    assert blocks_of(read, paragraph(text("가")), header=header) == (Heading("가", 6),)


@pytest.mark.parametrize(
    ("shape", "number", "shown"),
    [
        ("CIRCLED_DIGIT", 21, "㉑"),
        ("CIRCLED_DIGIT", 51, "51"),
        ("ROMAN_SMALL", 1994, "mcmxciv"),
        ("LATIN_CAPITAL", 26, "Z"),
        ("HANGUL_SYLLABLE", 14, "하"),
        ("HANGUL_SYLLABLE", 15, "거"),
        ("HANGUL_JAMO", 2, "ㄴ"),
        ("CIRCLED_HANGUL_SYLLABLE", 14, "㉻"),
        ("HANGUL_PHONETIC", 10, "십"),
        ("HANGUL_PHONETIC", 35, "삼십오"),
        ("IDEOGRAPH", 11, "十一"),
        ("DECAGON_CIRCLE_HANJA", 10, "癸"),
        ("DIGIT", 0, "0"),
        ("ROMAN_CAPITAL", 4000, "4000"),
        ("UNHEARD_OF", 7, "7"),
    ],
)
def test_numbers_in_their_shapes(read: Read, shape: str, number: int, shown: str) -> None:
    header = document_header([("NUMBER", 0, 1)], numberings=[[("(^1)", shape, number)]])
    assert blocks_of(read, paragraph(text("가")), header=header) == (ListItem("가", 0, f"({shown})"),)


def test_styles_of_titles_make_headings_unless_the_text_is_long(read: Read) -> None:
    header = document_header(styles=["바탕글", "제목", "개요 3", "Heading 2", "소제목", "차례 제목"])
    texts = [paragraph(text("글"), style=style) for style in range(6)]
    assert blocks_of(read, *texts, paragraph(text("긴 글 " * 40), style=1), header=header) == (
        Paragraph("글"),
        Heading("글", 1),
        Heading("글", 3),
        Heading("글", 2),
        Heading("글", 3),
        Paragraph("글"),
        Paragraph("긴 글 " * 40),
    )


def texts_of(document: RawDocument) -> list[list[str]]:
    return [[block.text for block in page.blocks if isinstance(block, Paragraph)] for page in document.pages]


def test_pages_are_sections_and_breaks(read: Read) -> None:
    first = [
        paragraph(text("하나"), page_break=True),
        paragraph(text("둘"), page_break=True),
        paragraph(text("둘의 끝")),
    ]
    others = [[paragraph(text(str(position)))] for position in range(3, 14)]
    expected = [["하나"], ["둘", "둘의 끝"], *([str(position)] for position in range(3, 14))]
    assert texts_of(read(make_hwpx([first, *others]))) == expected
    assert texts_of(read(make_hwpx([first, *others], changed={"Contents/content.hpf": None}))) == expected


def test_without_a_package_sections_are_in_the_order_of_their_numbers(read: Read) -> None:
    changed = {f"Contents/section{position}.xml": section([paragraph(text(str(position)))]) for position in (10, 2)}
    content = make_hwpx([[paragraph(text("0"))]], changed={"Contents/content.hpf": None, **changed})
    assert texts_of(read(content)) == [["0"], ["2"], ["10"]]


def test_sections_are_in_the_order_of_the_spine(read: Read) -> None:
    sections = [[paragraph(text("둘째"))], [paragraph(text("첫째"))]]
    spine = package(["section1", "section0", "section1"], {})
    assert texts_of(read(make_hwpx(sections, changed={"Contents/content.hpf": spine}))) == [["첫째"], ["둘째"]]


def test_paths_relative_to_the_package_are_found(read: Read) -> None:
    spine = package(["section0"], {}).replace("Contents/section0.xml", "section0.xml")
    content = make_hwpx([[paragraph(text("글"))]], changed={"Contents/content.hpf": spine})
    assert texts_of(read(content)) == [["글"]]


def test_a_manifest_with_encryption_data_is_encrypted(read: Read) -> None:
    manifest = (
        f'{XML}<odf:manifest xmlns:odf="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<odf:file-entry full-path="Contents/section0.xml"><odf:encryption-data checksum-type="SHA1"/></odf:file-entry>'
        "</odf:manifest>"
    )
    content = make_hwpx([[paragraph(text("글"))]], changed={"META-INF/manifest.xml": manifest})
    assert code_of(read, content) == "encrypted"


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"Contents/section0.xml": None}, id="no section"),
        pytest.param({"Contents/section0.xml": None, "Contents/content.hpf": None}, id="no section, no package"),
        pytest.param({"Contents/section0.xml": "<hs:sec>"}, id="section is cut off"),
        pytest.param({"Contents/header.xml": None}, id="no header"),
        pytest.param({"Contents/content.hpf": "text"}, id="package is text"),
    ],
)
def test_damaged_files_are_corrupt(read: Read, changed: dict[str, str | None]) -> None:
    assert code_of(read, make_hwpx([[paragraph(text("글"))]], changed=changed)) == "corrupt"


def test_a_file_that_is_no_zip_is_corrupt(read: Read) -> None:
    assert code_of(read, b"text") == "corrupt"
    assert code_of(read, make_sample()[:1000]) == "corrupt"


def test_a_file_without_manifest_and_container_is_read(read: Read) -> None:
    changed = {"META-INF/manifest.xml": None, "META-INF/container.xml": None}
    assert texts_of(read(make_hwpx([[paragraph(text("글"))]], title="제목", changed=changed))) == [["글"]]


def test_too_deep_nesting_is_corrupt(read: Read) -> None:
    nested = paragraph(text("글"))
    for _ in range(100):
        nested = paragraph(table_of_cells([[cell(nested, 0, 0)]]))
    assert code_of(read, make_hwpx([[nested]])) == "corrupt"
