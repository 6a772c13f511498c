from collections.abc import Callable
from pathlib import Path

import pytest

from onggi.domain.errors import BadDocument
from readers.model import Block, Heading, ListItem, Paragraph, Properties, RawDocument, Table
from readers.pptx import read_pptx
from tests.files.office_package import NAMESPACES, make_package
from tests.files.pptx import Slide, frame, group, make_pptx, make_sample, paragraph, picture, shape, table, title

Read = Callable[[bytes], RawDocument]
Blocks = Callable[[str], tuple[Block, ...]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: bytes) -> RawDocument:
        file = tmp_path / "content"
        file.write_bytes(content)
        return read_pptx(file)

    return read


@pytest.fixture
def blocks(read: Read) -> Blocks:
    def blocks(shapes: str) -> tuple[Block, ...]:
        (page,) = read(make_pptx([Slide(shapes)])).pages
        return page.blocks

    return blocks


def test_the_sample_has_all_of_its_structure(read: Read) -> None:
    document = read(make_sample())
    assert document.properties == Properties("2026년 사업 계획", "기획실", "2026-01-05T09:00:00Z", None)
    assert [page.blocks for page in document.pages] == [
        (
            Heading("2026년 사업 계획", 1),
            ListItem("신제품을 출시한다"),
            ListItem("상반기에 시험한다", 1),
            Paragraph("시장 조사 결과를 먼저 말한다."),
        ),
        (Heading("예산", 1), Table(("부문 | 금액", "개발 | 300", "홍보 | 120"), 1)),
        (Heading("Schedule", 1), Paragraph("The launch is planned for the third quarter.")),
    ]


def test_slides_come_in_the_order_of_the_presentation(read: Read) -> None:
    slides = [Slide(title("first")), Slide(title("second"), hidden=True), *(Slide(title(str(n))) for n in range(3, 12))]
    titles = [
        [block.text for block in page.blocks if isinstance(block, Heading)] for page in read(make_pptx(slides)).pages
    ]
    assert titles == [["first"], ["second"], *([str(number)] for number in range(3, 12))]


def test_the_strict_variant_reads_the_same(read: Read) -> None:
    slide = Slide(title("제목") + table([["a", "b"]]) + shape(paragraph("글")), notes=shape(paragraph("말")))
    strict, transitional = (read(make_pptx([slide], strict=strict)) for strict in (True, False))
    assert strict == transitional


@pytest.mark.parametrize("kind", ["title", "ctrTitle"])
def test_the_title_comes_first_and_on_one_line(blocks: Blocks, kind: str) -> None:
    shapes = shape(paragraph("글")) + shape(paragraph("긴\n제목"), paragraph("둘째 줄"), placeholder=kind)
    assert blocks(shapes) == (Heading("긴 제목 둘째 줄", 1), Paragraph("글"))


@pytest.mark.parametrize("kind", ["", "body", "obj"])
def test_bodies_are_lists(blocks: Blocks, kind: str) -> None:
    bare = paragraph("그냥", "<a:buNone/>")
    body = shape(paragraph("하나"), paragraph("둘", level=1), paragraph(""), bare, paragraph("셋"), placeholder=kind)
    assert blocks(body) == (ListItem("하나"), ListItem("둘", 1), Paragraph("\n그냥"), ListItem("셋"))


@pytest.mark.parametrize("kind", [None, "subTitle"])
def test_other_shapes_become_paragraphs(blocks: Blocks, kind: str | None) -> None:
    body = shape(paragraph("하나\n둘"), paragraph("셋"), paragraph("넷", '<a:buChar char="•"/>'), placeholder=kind)
    assert blocks(body) == (Paragraph("하나\n둘\n셋"), ListItem("넷"))


def test_numbered_paragraphs_are_counted(blocks: Blocks) -> None:
    def numbered(text: str, scheme: str, level: int = 0, start: int = 1) -> str:
        return paragraph(text, f'<a:buAutoNum type="{scheme}" startAt="{start}"/>', level)

    body = shape(
        numbered("a", "arabicPeriod"),
        numbered("b", "alphaLcParenR", 1),
        numbered("c", "alphaLcParenR", 1),
        numbered("d", "arabicPeriod"),
        numbered("e", "alphaUcParenBoth", 1),
        numbered("f", "circleNumDbPlain", 2, 3),
        paragraph("between"),
        numbered("g", "romanUcPeriod", 0, 4),
        numbered("h", "unknown"),
    )
    markers = [(block.marker, block.depth) for block in blocks(body) if isinstance(block, ListItem)]
    assert markers == [
        ("1.", 0), ("a)", 1), ("b)", 1), ("2.", 0), ("(A)", 1), ("③", 2), ("IV.", 0), ("5", 0),
    ]  # fmt: skip


def test_text_repeated_on_every_slide_is_left_out(blocks: Blocks) -> None:
    running = "".join(shape(paragraph(kind), placeholder=kind) for kind in ("dt", "ftr", "hdr", "sldNum"))
    assert blocks(running + title("제목")) == (Heading("제목", 1),)


def test_groups_and_alternatives(blocks: Blocks) -> None:
    choice = (
        f"<mc:AlternateContent><mc:Choice Requires='x'>{shape(paragraph('새'))}</mc:Choice>"
        f"<mc:Fallback>{shape(paragraph('옛'))}</mc:Fallback></mc:AlternateContent>"
    )
    nested = group(group(shape(paragraph("안"))) + choice + table([["a", "b"], ["c", "d"]]))
    assert blocks(nested + shape(paragraph("밖"))) == (
        Paragraph("안"),
        Paragraph("새"),
        Table(("a | b", "c | d"), 1),
        Paragraph("밖"),
    )


def test_merged_cells_have_their_text_once(blocks: Blocks) -> None:
    def cell(text: str, attributes: str = "") -> str:
        return f"<a:tc {attributes}><a:txBody>{paragraph(text)}</a:txBody></a:tc>"

    rows = (
        f"<a:tr>{cell('구분', 'rowSpan="2"')}{cell('2026', 'gridSpan="2"')}{cell('2026', 'hMerge="1"')}</a:tr>"
        f"<a:tr>{cell('구분', 'vMerge="1"')}{cell('상반기')}{cell('하반기')}</a:tr>"
    )
    assert blocks(frame(f"<a:tbl>{rows}</a:tbl>")) == (Table(("구분 | 2026", " | 상반기 | 하반기"), 1),)


def test_charts_and_diagrams_and_formulas(read: Read) -> None:
    chart = f"""<c:chartSpace {NAMESPACES}><c:chart><c:plotArea>
    <c:ser><c:tx><c:v>서울</c:v></c:tx><c:xVal><c:numLit><c:pt idx="0"><c:v>1</c:v></c:pt></c:numLit></c:xVal>
    <c:yVal><c:numLit><c:pt idx="0"><c:v>2.5</c:v></c:pt></c:numLit></c:yVal></c:ser>
    <c:ser><c:tx><c:v>부산</c:v></c:tx>
    <c:val><c:numLit><c:pt idx="4000000000"><c:v>3</c:v></c:pt></c:numLit></c:val></c:ser>
    </c:plotArea></c:chart></c:chartSpace>"""
    diagram = (
        f"<dgm:dataModel {NAMESPACES}><dgm:pt><dgm:t>{paragraph('접수')}</dgm:t></dgm:pt>"
        f"<dgm:pt><dgm:t>{paragraph('심사')}</dgm:t></dgm:pt></dgm:dataModel>"
    )
    base, exponent = (f"<m:r><m:t>{text}</m:t></m:r>" for text in "x2")
    formula = f"<a:p><m:oMath><m:sSup><m:e>{base}</m:e><m:sup>{exponent}</m:sup></m:sSup></m:oMath></a:p>"
    slide = Slide(
        frame('<c:chart r:id="charts/c.xml"/>') + frame('<dgm:relIds r:dm="d.xml"/>') + shape(formula),
        parts=[("charts/c.xml", "chart", chart), ("d.xml", "diagramData", diagram)],
    )
    (page,) = read(make_pptx([slide])).pages
    assert page.blocks == (
        Table((" | 서울 | 부산", "1 | 2.5", " |  | 3"), 1),
        ListItem("접수"),
        ListItem("심사"),
        Paragraph("x^2"),
    )


def test_a_slide_with_only_a_picture_needs_recognition(read: Read) -> None:
    slides = [
        Slide(picture()),
        Slide(group(picture()) + shape(paragraph(" ")) + shape(paragraph("3"), placeholder="sldNum")),
        Slide(picture() + title("제목")),
        Slide(picture(), notes=shape(paragraph("말"))),
        Slide(""),
    ]
    pages = read(make_pptx(slides)).pages
    assert [page.needs_ocr for page in pages] == [True, True, False, True, False]


def test_notes_leave_out_the_page_number(read: Read) -> None:
    notes = shape(paragraph("슬라이드"), placeholder="sldImg") + shape(
        paragraph("하나"), paragraph("둘"), placeholder="body"
    )
    (page,) = read(make_pptx([Slide("", notes=notes + shape(paragraph("7"), placeholder="sldNum"))])).pages
    assert page.blocks == (Paragraph("하나\n둘"),)


@pytest.mark.parametrize("stated", ["PowerPoint 프레젠테이션", "PowerPoint Presentation", " "])
def test_a_default_title_is_ignored(read: Read, stated: str) -> None:
    document = read(make_pptx([Slide("")], {"dc:title": stated, "dc:creator": "김;이"}))
    assert document.properties == Properties(None, "김, 이", None, None)


def test_hostile_nesting_is_read_in_bounds(blocks: Blocks) -> None:
    depth = 120
    assert blocks("<p:grpSp>" * depth + shape(paragraph("안")) + "</p:grpSp>" * depth) == (Paragraph("안"),)


def test_a_missing_slide_is_corrupt(read: Read) -> None:
    presentation = f'<p:presentation {NAMESPACES}><p:sldIdLst><p:sldId r:id="s"/></p:sldIdLst></p:presentation>'
    relations = {"ppt/presentation.xml": [("s", "slide", "slides/slide1.xml")]}
    with pytest.raises(BadDocument, match="corrupt"):
        read(make_package("ppt/presentation.xml", {"ppt/presentation.xml": presentation}, relations))
