from collections.abc import Callable
from pathlib import Path

import pytest

from onggi.domain.errors import BadDocument
from readers.docx import read_docx
from readers.model import Block, Heading, ListItem, Paragraph, Properties, RawDocument, Table
from tests.files.docx import cell, item, make_docx, make_sample, paragraph, row, run, table
from tests.files.office_package import NAMESPACES, make_package

Read = Callable[[bytes], RawDocument]

PAGE = '<w:r><w:br w:type="page"/></w:r>'
LAID_OUT = "<w:r><w:lastRenderedPageBreak/></w:r>"


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read(content: bytes) -> RawDocument:
        file = tmp_path / "content"
        file.write_bytes(content)
        return read_docx(file)

    return read


@pytest.fixture
def blocks(read: Read) -> Callable[[str], list[Block]]:
    def blocks(body: str) -> list[Block]:
        return [block for page in read(make_docx(body)).pages for block in page.blocks]

    return blocks


@pytest.fixture
def texts(read: Read) -> Callable[[str], list[list[str]]]:
    def texts(body: str) -> list[list[str]]:
        return [
            [" / ".join(block.lines) if isinstance(block, Table) else block.text for block in page.blocks]
            for page in read(make_docx(body)).pages
        ]

    return texts


Blocks = Callable[[str], list[Block]]
Texts = Callable[[str], list[list[str]]]


def test_the_sample_has_all_of_its_structure(read: Read) -> None:
    document = read(make_sample())
    assert document.properties == Properties("임대차 계약서", "관리부", "2026-01-05T09:00:00Z", "2026-02-10T18:30:00Z")
    first, second = document.pages
    assert first.blocks == (
        Heading("임대차 계약서", 1),
        Heading("목적", 1),
        Paragraph("이 계약은 사무실의 임대차에 관한 사항을 정한다.[1]"),
        ListItem("보증금은 계약할 때 낸다.", 0, "1."),
        ListItem("차임은 매월 말일에 낸다.", 0, "2."),
        ListItem("Late payment bears interest.", 1, "2.1"),
        Heading("금액", 2),
        Table(("항목 | 금액 (원)", "보증금 | 10,000,000", "월 차임 | 500,000"), 1),
        Paragraph("[1] 사무실은 3층 전체를 말한다."),
    )
    assert [block for block in second.blocks if isinstance(block, ListItem)] == [
        ListItem("The deposit is returned at the end."),
        ListItem("Keys are handed over on the first day."),
    ]


def test_the_strict_variant_reads_the_same(read: Read) -> None:
    body = paragraph("제목", "1") + item("하나", 2) + table([["a", "b"], ["c", "d"]])
    strict, transitional = (read(make_docx(body, strict=strict)) for strict in (True, False))
    assert strict == transitional


@pytest.mark.parametrize(
    ("style", "level"),
    [("1", 1), ("derived", 2), ("korean", 3), ("outline", 2), ("title", 1), ("a", None), ("circle", None)],
)
def test_styles_make_headings(blocks: Blocks, style: str, level: int | None) -> None:
    expected = Heading("총칙", level) if level else Paragraph("총칙")
    assert blocks(paragraph("총칙", style)) == [expected]


@pytest.mark.parametrize(
    ("style", "outline", "expected"),
    [("", 3, Heading("총칙", 4)), ("", 8, Heading("총칙", 6)), ("", 9, Paragraph("총칙")), ("1", 9, Paragraph("총칙"))],
)
def test_a_paragraph_states_its_own_level_before_its_style(
    blocks: Blocks, style: str, outline: int, expected: Block
) -> None:
    assert blocks(paragraph("총칙", style, f'<w:outlineLvl w:val="{outline}"/>')) == [expected]


def test_running_text_in_a_style_of_headings_stays_running_text(blocks: Blocks) -> None:
    text = "긴 문장이 이어진다. " * 40
    assert blocks(paragraph(text, "1")) == [Paragraph(text)]


def test_numbers_of_lists_are_counted(blocks: Blocks) -> None:
    body = (
        item("a", 2) + item("b", 2, 1) + item("c", 2, 2) + item("d", 2, 2) + item("e", 2, 1) + item("f", 2)
        + item("g", 2, 1) + item("h", 3) + item("i", 2) + item("j", 99)
    )  # fmt: skip
    assert [(block.marker, block.depth) for block in blocks(body) if isinstance(block, ListItem)] == [
        ("1.", 0), ("1.1", 1), ("가)", 2), ("나)", 2), ("1.2", 1), ("2.", 0), ("2.1", 1), ("7.", 0), ("8.", 0),
    ]  # fmt: skip
    assert blocks(body)[-1] == Paragraph("j")


def test_articles_are_numbered_by_their_style(blocks: Blocks) -> None:
    chapter = paragraph("총칙", "1", '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="4"/></w:numPr>')
    body = (
        chapter + paragraph("목적", "article") + paragraph("정의", "article") + chapter + paragraph("기간", "article")
    )
    assert blocks(body) == [
        Heading("제I장 총칙", 1),
        ListItem("목적", 1, "제1조"),
        ListItem("정의", 1, "제2조"),
        Heading("제II장 총칙", 1),
        ListItem("기간", 1, "제1조"),
    ]


def test_visible_text_is_read_and_hidden_text_is_left_out(blocks: Blocks) -> None:
    content = (
        "<w:r><w:tab/></w:r><w:ins>" + run("들어감 ") + "</w:ins><w:del><w:r><w:delText>빠짐</w:delText></w:r></w:del>"
        "<w:moveFrom>" + run("옮긴 곳") + "</w:moveFrom>"
        "<w:r><w:rPr><w:vanish/></w:rPr><w:t>숨김</w:t></w:r>"
        '<w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t>보임 </w:t></w:r>'
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>PAGE</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>' + run("7") + '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
        '<w:hyperlink r:id="x">' + run(" 링크") + "</w:hyperlink><w:sdt><w:sdtPr/><w:sdtContent>" + run(" 선택")
        + "</w:sdtContent></w:sdt><w:r><w:br/></w:r>" + run("다음 줄")
        + '<w:r><w:sym w:font="Wingdings" w:char="F0FE"/><w:sym w:font="Symbol" w:char="F0B7"/><w:noBreakHyphen/></w:r>'
        '<w:r><w:commentReference w:id="0"/></w:r>'
    )  # fmt: skip
    assert blocks(paragraph("처음", content=content)) == [Paragraph("처음\t들어감 보임 7 링크 선택\n다음 줄☑-")]


def test_text_in_content_controls_and_moved_blocks(blocks: Blocks) -> None:
    body = (
        f"<w:sdt><w:sdtContent>{paragraph('하나')}<w:sdt><w:sdtContent>{paragraph('둘')}</w:sdtContent></w:sdt>"
        f"</w:sdtContent></w:sdt><w:customXml>{paragraph('셋')}</w:customXml>"
    )
    assert blocks(body) == [Paragraph("하나"), Paragraph("둘"), Paragraph("셋")]


def test_a_text_box_is_read_once_after_its_paragraph(blocks: Blocks) -> None:
    def box(text: str) -> str:
        return f"<w:txbxContent>{paragraph(text, '1')}{paragraph('안쪽')}</w:txbxContent>"

    content = (
        f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wps:txbx>{box('상자')}</wps:txbx></w:drawing>"
        f"</mc:Choice><mc:Fallback><w:pict><v:textbox>{box('상자')}</v:textbox></w:pict></mc:Fallback>"
        f"</mc:AlternateContent></w:r>{run(' 뒤')}"
    )
    assert blocks(paragraph("앞", content=content)) == [Paragraph("앞 뒤"), Heading("상자", 1), Paragraph("안쪽")]
    assert blocks(paragraph(content=f"<w:r><w:pict><v:textbox>{box('옛')}</v:textbox></w:pict></w:r>")) == [
        Heading("옛", 1),
        Paragraph("안쪽"),
    ]


def test_cells_keep_their_places(blocks: Blocks) -> None:
    merged = f"""<w:tbl>
    {row(cell("구분", '<w:vMerge w:val="restart"/>'), cell("2026", '<w:gridSpan w:val="2"/>'), cell("비고"))}
    {row(cell("구분", "<w:vMerge/>"), cell("상반기"), cell("하반기"), cell(""))}
    {row(cell("매출"), cell(paragraph("1") + paragraph("2")), cell(table([["안", "쪽"], ["표", ""]]) + paragraph()))}
    </w:tbl>"""
    assert blocks(merged) == [
        Table(("구분 | 2026 |  | 비고", " | 상반기 | 하반기", "매출 | 1 2 | 안 쪽 표"), 1),
    ]


def test_rows_and_cells_in_content_controls_and_deleted_rows(blocks: Blocks) -> None:
    body = (
        f"<w:tbl><w:sdt><w:sdtContent>{row(cell('a'), f'<w:sdt><w:sdtContent>{cell("b")}</w:sdtContent></w:sdt>')}"
        f"</w:sdtContent></w:sdt>{row(cell('x'), cell('y'), properties='<w:del/>')}{row(cell('c'), cell('d'))}</w:tbl>"
    )
    assert blocks(body) == [Table(("a | b", "c | d"), 1)]


def test_header_rows_are_those_that_are_repeated(blocks: Blocks) -> None:
    header = row(cell("a"), cell("b"), properties="<w:tblHeader/>")
    body = f"<w:tbl>{header}{header}{row(cell('1'), cell('2'))}</w:tbl>"
    assert blocks(body) == [Table(("a | b", "a | b", "1 | 2"), 2)]
    assert blocks(table([["only", "row"]])) == [Table(("only | row",), 0)]


def test_a_table_of_one_column_is_a_frame(blocks: Blocks) -> None:
    body = f"<w:tbl>{row(cell(paragraph('제목', '1') + item('하나', 1)))}{row(cell(table([['a', 'b']])))}</w:tbl>"
    assert blocks(body) == [Heading("제목", 1), ListItem("하나"), Table(("a | b",), 0)]


def test_formulas_are_linear(blocks: Blocks) -> None:
    def math(text: str) -> str:
        return f"<m:r><m:t>{text}</m:t></m:r>"

    formula = (
        f"<m:oMath>{math('E=')}<m:f><m:num>{math('a+b')}</m:num><m:den>{math('2')}</m:den></m:f>"
        f"<m:sSup><m:e>{math('10')}</m:e><m:sup>{math('-6')}</m:sup></m:sSup>"
        f"<m:rad><m:deg/><m:e>{math('x')}</m:e></m:rad>"
        f"<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub>{math('i')}</m:sub><m:sup/><m:e>{math('y')}</m:e>"
        "</m:nary><m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=']'/></m:dPr>"
        f"<m:e>{math('p')}</m:e><m:e>{math('q')}</m:e></m:d>"
        "</m:oMath>"
    )
    assert blocks(paragraph(content=formula)) == [Paragraph("E=(a+b)/210^(-6)√(x)∑_i y[p|q]")]


def test_page_breaks_of_the_author_begin_pages(texts: Texts) -> None:
    section = '<w:sectPr><w:type w:val="{}"/></w:sectPr>'
    body = (
        paragraph("1", properties="<w:pageBreakBefore/>")
        + paragraph(content=run("1b") + PAGE + run("2"))
        + paragraph("3", properties="<w:pageBreakBefore/>" + section.format("nextPage"))
        + paragraph("3b", properties=section.format("continuous"))
        + paragraph("4")
        + section.format("nextPage")
    )
    assert texts(body) == [["1", "1b"], ["2"], ["3", "3b"], ["4"]]


def test_page_breaks_of_the_last_layout_begin_pages(texts: Texts) -> None:
    body = (
        paragraph("1")
        + paragraph(content=run("1b goes") + LAID_OUT + run(" on"))
        + paragraph(content=PAGE)
        + paragraph(content=LAID_OUT + run("3"))
        + paragraph(content=LAID_OUT + run("4"), properties="<w:pageBreakBefore/>")
        + paragraph(content=LAID_OUT + LAID_OUT + run("6"))
    )
    assert texts(body) == [["1", "1b goes on"], [], ["3"], ["4"], [], ["6"]]


def test_a_table_continues_over_pages_with_its_header(texts: Texts) -> None:
    body = (
        f"<w:tbl>{row(cell('h'), cell('k'))}{row(cell('1'), cell('2'))}"
        f"{row(cell(paragraph(content=LAID_OUT + run('3'))), cell('4'))}"
        f"{row(cell(paragraph(content=run('5') + LAID_OUT + run('6'))), cell(paragraph(content=run('7') + LAID_OUT)))}"
        f"{row(cell('8'), cell('9'))}</w:tbl>{paragraph('after')}"
    )
    assert texts(body) == [["h | k / 1 | 2"], ["h | k / 3 | 4 / 56 | 7"], ["h | k / 8 | 9", "after"]]


def test_a_table_that_ends_with_its_page_leaves_no_lone_header(texts: Texts) -> None:
    last = row(cell(paragraph(content=run("1") + LAID_OUT)), cell("2"))
    assert texts(f"<w:tbl>{row(cell('h'), cell('k'))}{last}</w:tbl>{paragraph('after')}") == [
        ["h | k / 1 | 2"],
        ["after"],
    ]


def test_notes_are_at_the_end_of_their_page_and_of_the_document(read: Read) -> None:
    def mark(kind: str, number: int) -> str:
        return f'<w:r><w:{kind}Reference w:id="{number}"/></w:r>'

    body = (
        paragraph("하나", content=mark("endnote", 1) + mark("footnote", 2))
        + paragraph("둘", content=mark("footnote", 2) + mark("footnote", 77) + PAGE)
        + table([["a", "b"]]).replace("</w:p>", f"{mark('footnote', 1)}</w:p>", 1)
    )
    document = read(make_docx(body, notes={"footnotes": ["첫째", "둘째"], "endnotes": ["끝"]}))
    assert [page.blocks for page in document.pages] == [
        (Paragraph("하나[i][1]"), Paragraph("둘[1]"), Paragraph("[1] 둘째")),
        (Table(("a[2] | b",), 0), Paragraph("[i] 끝"), Paragraph("[2] 첫째")),
    ]


def test_a_page_with_nothing_but_a_picture_needs_recognition(read: Read) -> None:
    picture = '<w:r><w:drawing><a:blip r:embed="rId9"/></w:drawing></w:r>'
    old = "<w:r><w:pict><v:imagedata/></w:pict></w:r>"
    body = paragraph(content=picture + PAGE + old + PAGE) + paragraph("글", content=picture + PAGE) + paragraph()
    assert [page.needs_ocr for page in read(make_docx(body)).pages] == [True, True, False, False]


def test_the_text_of_charts_and_diagrams(read: Read) -> None:
    chart = f"""<c:chartSpace {NAMESPACES}><c:chart><c:title><a:p><a:r><a:t>매출</a:t></a:r></a:p></c:title><c:plotArea>
    <c:ser><c:tx><c:strRef><c:strCache><c:pt idx="0"><c:v>2026</c:v></c:pt></c:strCache></c:strRef></c:tx>
    <c:cat><c:strLit><c:pt idx="0"><c:v>서울</c:v></c:pt><c:pt idx="1"><c:v>부산</c:v></c:pt></c:strLit></c:cat>
    <c:val><c:numLit><c:pt idx="0"><c:v>7</c:v></c:pt><c:pt idx="1"><c:v>5</c:v></c:pt></c:numLit></c:val></c:ser>
    </c:plotArea></c:chart></c:chartSpace>"""
    diagram = f"""<dgm:dataModel {NAMESPACES}><dgm:ptLst>
    <dgm:pt><dgm:t><a:p><a:r><a:t>접수</a:t></a:r></a:p></dgm:t></dgm:pt>
    <dgm:pt type="parTrans"><dgm:t><a:p/></dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>"""
    body = paragraph("그림", content='<w:r><c:chart r:id="chart.xml"/><dgm:relIds r:dm="data.xml"/></w:r>')
    parts = {"chart.xml": ("chart", chart), "data.xml": ("diagramData", diagram)}
    (page,) = read(make_docx(body, parts=parts)).pages
    assert page.blocks == (
        Paragraph("그림"),
        Paragraph("매출"),
        Table((" | 2026", "서울 | 7", "부산 | 5"), 1),
        ListItem("접수"),
    )


def test_the_document_is_found_by_its_relationships(read: Read) -> None:
    document = f"<w:document {NAMESPACES}><w:body>{paragraph('글')}</w:body></w:document>"
    assert read(make_package("text/body.xml", {"text/body.xml": document}, {})).pages[0].blocks == (Paragraph("글"),)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("<w:tbl><w:tr><w:tc>" * 80 + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * 80, id="nested frames"),
        pytest.param("<w:tbl><w:tr><w:tc/><w:tc>" * 80 + "<w:p/>" + "</w:tc></w:tr></w:tbl>" * 80, id="nested tables"),
        pytest.param("<w:p><w:r><w:txbxContent>" * 80 + "</w:txbxContent></w:r></w:p>" * 80, id="nested boxes"),
        pytest.param("<w:p>" + "<m:f><m:num>" * 120 + "</m:num></m:f>" * 120 + "</w:p>", id="nested fractions"),
        pytest.param(f"<w:tbl>{row(cell('a', '<w:gridSpan w:val="999999999"/>'), cell('b'))}</w:tbl>", id="wide cell"),
        pytest.param(item("a", 2, 99999), id="deep list"),
    ],
)
def test_hostile_structure_is_read_in_bounds(texts: Texts, body: str) -> None:
    assert sum(len(text) for page in texts(body) for text in page) < 1000


@pytest.mark.parametrize("body", ["<w:p>", "<x:p/>", "</w:body>"])
def test_malformed_xml_is_corrupt(read: Read, body: str) -> None:
    with pytest.raises(BadDocument, match="corrupt"):
        read(make_docx(body))


def test_a_package_without_a_document_is_corrupt(read: Read) -> None:
    with pytest.raises(BadDocument, match="corrupt"):
        read(make_package("word/document.xml", {}, {}))
