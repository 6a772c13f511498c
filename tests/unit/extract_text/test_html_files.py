import time
from collections.abc import Callable
from pathlib import Path

import pytest

from readers.html import read_html
from readers.model import Block, Heading, ListItem, Paragraph, Properties, RawDocument, Table
from tests.files.html import make_html, make_sample

Read = Callable[[bytes], RawDocument]
Blocks = Callable[[str], tuple[Block, ...]]

SECONDS = 30
"""Hostile pages take a few seconds on a slow machine; what takes time by the square of its length takes hours."""


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_content(content: bytes) -> RawDocument:
        file = tmp_path / "content"
        file.write_bytes(content)
        return read_html(file)

    return read_content


@pytest.fixture
def blocks(read: Read) -> Blocks:
    def blocks_of(body: str) -> tuple[Block, ...]:
        (page,) = read(make_html(body)).pages
        return page.blocks

    return blocks_of


def test_the_sample(read: Read) -> None:
    document = read(make_sample())
    (page,) = document.pages
    assert page.blocks == (
        Heading("임대차 계약 안내", 1),
        Paragraph("보증금은 계약이 끝나면 돌려준다.\nThe deposit is returned."),
        Heading("Documents 필요한 서류", 2),
        ListItem("신분증"),
        ListItem("passport", depth=1),
        ListItem("계약서"),
        ListItem("셋째", marker="3."),
        ListItem("넷째", marker="4."),
        Paragraph("지급 계획"),
        Table(("구분 | Amount", "보증금 | 10,000,000", "월세 | 500,000")),
        Paragraph("담당: 총무팀"),
    )
    assert document.properties == Properties("임대차 안내 Lease guide", "홍길동", "2026-01-05T09:00:00+09:00")


@pytest.mark.parametrize("charset", ["utf-8", "euc-kr", "ks_c_5601-1987", "cp949", "shift_jis", "gb2312", "iso-8859-1"])
def test_declared_encodings(read: Read, charset: str) -> None:
    text = {"shift_jis": "契約", "gb2312": "合同", "iso-8859-1": "café"}.get(charset, "계약")
    assert read(make_html(f"<p>{text}</p>", charset=charset)).pages[0].blocks == (Paragraph(text),)


@pytest.mark.parametrize("encoding", ["utf-8", "cp949", "utf-16"])
def test_wrong_and_missing_declarations(read: Read, encoding: str) -> None:
    text = "임대차 계약서의 보증금은 돌려준다."
    for declared in ("", '<meta charset="iso-8859-1">', '<meta charset="unknown">', '<meta charset="rot13">'):
        assert read(f"{declared}<p>{text}</p>".encode(encoding)).pages[0].blocks == (Paragraph(text),)


def test_a_page_with_a_wrong_byte_is_read(read: Read) -> None:
    content = make_html("<p>" + "계약 " * 300 + "@</p>", charset="euc-kr").replace(b"@", b"\xff")
    (block,) = read(content).pages[0].blocks
    assert isinstance(block, Paragraph)
    assert block.text.endswith("계약 \ufffd")


@pytest.mark.parametrize(
    "hidden",
    [
        "<script>x</script>",
        "<style>x</style>",
        "<template><p>x</p></template>",
        "<noscript>x</noscript>",
        "<p hidden>x</p>",
        '<div style="color:red; DISPLAY : none">x<p>x</p></div>',
        '<span style="visibility:hidden">x</span>',
        "<nav><ul><li>x</ul></nav>",
        '<div role="navigation">x</div>',
        "<!-- x -->",
        "<iframe>x</iframe><video>x</video>",
        "<math><semantics><annotation>x</annotation></semantics></math>",
    ],
)
def test_other_elements_are_left_out(blocks: Blocks, hidden: str) -> None:
    assert blocks(f"a{hidden}b<p>c") == (Paragraph("ab"), Paragraph("c")) or blocks(f"a{hidden}b<p>c") == (
        Paragraph("a"),
        Paragraph("b"),
        Paragraph("c"),
    )


@pytest.mark.parametrize("tag", ["header", "footer", "aside", "details", "dialog", "blockquote", "address"])
def test_content_is_kept(blocks: Blocks, tag: str) -> None:
    assert blocks(f"<{tag}>담당 부서</{tag}>") == (Paragraph("담당 부서"),)


def test_blanks_breaks_entities_and_images(blocks: Blocks) -> None:
    body = "<p>  a \n\t b<br> c &amp;&lt;&#54620;<b> d</b><wbr>e <img alt='도장  그림'><img src=x></p><hr>f"
    assert blocks(body) == (Paragraph("a b\nc &<한 de 도장 그림"), Paragraph("f"))


def test_preformatted_text_stays(blocks: Blocks) -> None:
    assert blocks("<pre>\na\n  b &lt;\n\n c</pre><p>d") == (Paragraph("a\n  b <\n\n c"), Paragraph("d"))


def test_lists(blocks: Blocks) -> None:
    body = """<ol reversed><li value=7>일곱<li><p>여덟</p><p>more</p><ul><li><h3>제목</h3><li></ul></ol>
    <li>loose<ul><ul><li>deep</ul></ul>"""
    assert blocks(body) == (
        ListItem("일곱", marker="7."),
        ListItem("여덟", marker="8."),
        Paragraph("more"),
        Heading("제목", 3),
        ListItem("loose"),
        ListItem("deep", depth=1),
    )


def test_terms_precede_their_definitions(blocks: Blocks) -> None:
    body = (
        "<dl><dt>보증금<dd>deposit<dt>월세<dd><p>rent</p><p>monthly</p><div><dt>a</dt><dt>b</dt><dd>c</dd></div></dl>"
    )
    assert blocks(body) == (
        Paragraph("보증금: deposit"),
        Paragraph("월세: rent"),
        Paragraph("monthly"),
        Paragraph("a: b: c"),
    )


def test_figures(blocks: Blocks) -> None:
    body = "<figure><img alt='표지'><figcaption>그림 1</figcaption></figure>"
    assert blocks(body) == (Paragraph("표지"), Paragraph("그림 1"))


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        pytest.param(
            "<tr><th rowspan=2>구분<th colspan=2>실적<th>비고<tr><th>2023<th>2024<tr><td>매출<td>1<td>2<td>x",
            Table(("구분 | 실적 |  | 비고", " | 2023 | 2024", "매출 | 1 | 2 | x"), header_lines=2),
            id="spans",
        ),
        pytest.param(
            "<tr><th>이름<td>홍길동<tr><th>부서<td>법무",
            Table(("이름 | 홍길동", "부서 | 법무"), header_lines=0),
            id="names beside",
        ),
        pytest.param("<tr><td>a<td>b<tr><td>1<td>2", Table(("a | b", "1 | 2")), id="no names"),
        pytest.param(
            "<tr><th>a<th>b<tr><td>1<td><p>x</p><table><tr><td>in<td>ner</table>",
            Table(("a | b", "1 | x in ner")),
            id="nested",
        ),
        pytest.param(
            "<thead><tr><td>a<td>b</thead><tbody><tr><td>c<br>d<td><ul><li>e<li>f</ul><tr><td> <td></tbody>",
            Table(("a | b", "c d | e f")),
            id="blocks in cells",
        ),
        pytest.param("<tr><th>a<th>b<tr><th>c<th>d", Table(("a | b", "c | d")), id="names only"),
        pytest.param("<tr><td>a<td>b", Table(("a | b",)), id="one row"),
        pytest.param("<tr><th>a<th>b<tr hidden><td>1<td>2<tr><td>3<td>4", Table(("a | b", "3 | 4")), id="hidden row"),
        pytest.param("<tr><th>a<th>b<tr><td rowspan=0>1<td colspan=x>2", Table(("a | b", "1 | 2")), id="odd spans"),
    ],
)
def test_tables_of_data(blocks: Blocks, table: str, expected: Table) -> None:
    assert blocks(f"<p>앞<table>{table}</table>뒤") == (Paragraph("앞"), expected, Paragraph("뒤"))


@pytest.mark.parametrize(
    "table",
    [
        "<table><tr><td>a</td></tr><tr><td>b</td></tr></table>",
        "<table><tr><td><p>a</p></td><td><div>b</div></td></tr></table>",
        "<table role=presentation><tr><th>a<td>b</table>",
        "<table><tr><td>a<td><table><tr><td>b</table></table>",
    ],
)
def test_layout_tables_become_text(blocks: Blocks, table: str) -> None:
    assert blocks(table) == (Paragraph("a"), Paragraph("b"))


def test_a_table_within_a_layout_table(blocks: Blocks) -> None:
    body = "<table><tr><td><h2>제목</h2><table><tr><th>a<th>b<tr><td>1<td>2</table><td>옆</table>"
    assert blocks(body) == (Heading("제목", 2), Table(("a | b", "1 | 2")), Paragraph("옆"))


@pytest.mark.parametrize(
    ("head", "properties"),
    [
        ('<meta property="og:title" content="공유 제목">', Properties("공유 제목")),
        ("<title> </title>", Properties("본문 제목")),
        (
            '<meta name="Author" content=" 홍 "><meta name="date" content="2026.1.5">',
            Properties("본문 제목", "홍", "2026-01-05"),
        ),
        ('<meta property="article:author" content="https://a.b/c">', Properties("본문 제목")),
        ('<meta itemprop="dateModified" content="2026-01-05">', Properties("본문 제목", modified="2026-01-05")),
    ],
)
def test_properties(read: Read, head: str, properties: Properties) -> None:
    assert read(f"<html><head>{head}</head><body><h1>본문 제목</h1>".encode()).properties == properties


def test_xhtml_with_self_closing_elements(read: Read) -> None:
    body = '<head><title/><script src="a"/></head><body><p><a id="x"/>글<br/>둘</p><div/><p>셋</p></body>'
    document = read(f'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">{body}</html>'.encode())
    assert document.pages[0].blocks == (Paragraph("글\n둘"), Paragraph("셋"))


@pytest.mark.parametrize(
    "page",
    [
        pytest.param("<div>" * 1_000_000 + "끝", id="deep blocks"),
        pytest.param("<b>" * 1_000_000 + "끝", id="deep marks"),
        pytest.param(
            "".join(f"<p><b id={number}></p>" for number in range(500)) + "<p>끝" * 100_000, id="copied marks"
        ),
        pytest.param("<table><tr><td>a<td>" * 100_000 + "끝", id="deep tables"),
        pytest.param("<ul><li>" * 100_000 + "끝", id="deep lists"),
        pytest.param("<div " + " ".join(f"a{number}" for number in range(100_000)) + ">끝", id="attributes"),
        pytest.param("<table><tr>" + "<td colspan=999 rowspan=999>끝" * 5_000 + "<tr><td>끝" * 50_000, id="spans"),
        pytest.param("<p>" + "끝" * 3_000_000, id="no line break"),
        pytest.param("<p>끝" + "<i> </i>" * 300_000, id="blanks"),
        pytest.param("끝" + "<" * 1_000_000, id="open tags"),
    ],
)
def test_hostile_pages_are_read_in_time(blocks: Blocks, page: str) -> None:
    start = time.monotonic()
    assert any("끝" in ("".join(block.lines) if isinstance(block, Table) else block.text) for block in blocks(page))
    assert time.monotonic() - start < SECONDS
