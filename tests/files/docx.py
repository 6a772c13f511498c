"""Word files for tests."""

from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

from tests.files.office_package import NAMESPACES, make_package

STYLES: Final = """
<w:style w:type="paragraph" w:default="1" w:styleId="a"><w:name w:val="Normal"/></w:style>
<w:style w:type="paragraph" w:styleId="1"><w:name w:val="heading 1"/><w:basedOn w:val="a"/>
  <w:pPr><w:outlineLvl w:val="0"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="2"><w:name w:val="heading 2"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="derived"><w:name w:val="우리 절"/><w:basedOn w:val="2"/></w:style>
<w:style w:type="paragraph" w:styleId="korean"><w:name w:val="제목 3"/></w:style>
<w:style w:type="paragraph" w:styleId="outline"><w:name w:val="개요 2"/></w:style>
<w:style w:type="paragraph" w:styleId="title"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="circle"><w:name w:val="x"/><w:basedOn w:val="circle"/></w:style>
<w:style w:type="paragraph" w:styleId="article"><w:name w:val="조"/>
  <w:pPr><w:numPr><w:numId w:val="4"/></w:numPr></w:pPr></w:style>
"""


def level(number: int, number_format: str, text: str, start: int = 1, style: str = "") -> str:
    """Returns a level of a list."""
    linked = f'<w:pStyle w:val="{style}"/>' if style else ""
    return (
        f'<w:lvl w:ilvl="{number}"><w:start w:val="{start}"/><w:numFmt w:val="{number_format}"/>{linked}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


NUMBERING: Final = f"""
<w:abstractNum w:abstractNumId="0">{level(0, "bullet", "")}{level(1, "bullet", "o")}</w:abstractNum>
<w:abstractNum w:abstractNumId="1">{level(0, "decimal", "%1.")}{level(1, "decimal", "%1.%2")}
{level(2, "ganada", "%3)")}</w:abstractNum>
<w:abstractNum w:abstractNumId="2">{level(0, "upperRoman", "제%1장")}
{level(1, "decimal", "제%2조", style="article")}</w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="1"/>
  <w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>
<w:num w:numId="4"><w:abstractNumId w:val="2"/></w:num>
"""


def run(text: str) -> str:
    """Returns a run of text."""
    return f'<w:r><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def paragraph(text: str = "", style: str = "", properties: str = "", content: str = "") -> str:
    """Returns a paragraph of a text, followed by more content."""
    styled = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{styled}{properties}</w:pPr>{run(text) if text else ''}{content}</w:p>"


def item(text: str, number_id: int, depth: int = 0) -> str:
    """Returns a paragraph in a list."""
    place = f'<w:numPr><w:ilvl w:val="{depth}"/><w:numId w:val="{number_id}"/></w:numPr>'
    return paragraph(text, properties=place)


def cell(content: str, properties: str = "") -> str:
    """Returns a cell; plain text becomes a paragraph."""
    inside = content if content.startswith("<") else paragraph(content)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inside}</w:tc>"


def row(*cells: str, properties: str = "") -> str:
    """Returns a row of cells, as `cell` makes them."""
    return f"<w:tr><w:trPr>{properties}</w:trPr>{''.join(cells)}</w:tr>"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Returns a table of plain texts."""
    return f"<w:tbl>{''.join(row(*map(cell, texts)) for texts in rows)}</w:tbl>"


def make_docx(
    body: str,
    *,
    notes: Mapping[str, Sequence[str]] | None = None,
    parts: Mapping[str, tuple[str, str]] | None = None,
    properties: Mapping[str, str] | None = None,
    strict: bool = False,
) -> bytes:
    """Returns a Word file with the styles and lists above.

    Args:
        body: what lies in `w:body`.
        notes: of `footnotes` and `endnotes` their texts, whose ids count from 1.
        parts: more of them by name, each with the kind of its relationship and its content; their ids are their names.
        properties: such as `dc:title`.
        strict: whether the namespaces are those of the strict variant.
    """
    contents = {
        "word/document.xml": f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>",
        "word/styles.xml": f"<w:styles {NAMESPACES}>{STYLES}</w:styles>",
        "word/numbering.xml": f"<w:numbering {NAMESPACES}>{NUMBERING}</w:numbering>",
    }
    relations = [("rId1", "styles", "styles.xml"), ("rId2", "numbering", "/word/numbering.xml")]
    for kind, texts in (notes or {}).items():
        contents[f"word/{kind}.xml"] = f"<w:{kind} {NAMESPACES}>{_notes(kind, texts)}</w:{kind}>"
        relations.append((kind, kind, f"{kind}.xml"))
    for name, (kind, content) in (parts or {}).items():
        contents[f"word/{name}"] = content
        relations.append((name, kind, name))
    return make_package("word/document.xml", contents, {"word/document.xml": relations}, properties, strict=strict)


def _notes(kind: str, texts: Sequence[str]) -> str:
    name = kind.removesuffix("s")
    line = f'<w:{name} w:type="separator" w:id="0">{paragraph("────")}</w:{name}>'
    return line + "".join(
        f'<w:{name} w:id="{number}">{paragraph(text)}</w:{name}>' for number, text in enumerate(texts, start=1)
    )


def make_sample() -> bytes:
    """Returns a contract in Korean with an English summary, a table, lists, notes and properties."""
    body = (
        paragraph("임대차 계약서", "title")
        + paragraph("목적", "1")
        + paragraph(
            "이 계약은 사무실의 임대차에 관한 사항을 정한다.",
            content='<w:r><w:footnoteReference w:id="1"/></w:r>',
        )
        + item("보증금은 계약할 때 낸다.", 2)
        + item("차임은 매월 말일에 낸다.", 2)
        + item("Late payment bears interest.", 2, 1)
        + paragraph("금액", "2")
        + table([["항목", "금액 (원)"], ["보증금", "10,000,000"], ["월 차임", "500,000"]])
        + paragraph(content='<w:r><w:br w:type="page"/></w:r>')
        + paragraph("Summary", "1")
        + paragraph("The lease runs for two years and renews unless a party gives notice.")
        + item("The deposit is returned at the end.", 1)
        + item("Keys are handed over on the first day.", 1)
    )
    return make_docx(
        body,
        notes={"footnotes": ["사무실은 3층 전체를 말한다."]},
        properties={
            "dc:title": "임대차 계약서",
            "dc:creator": "관리부",
            "dcterms:created": "2026-01-05T09:00:00Z",
            "dcterms:modified": "2026-02-10T18:30:00Z",
        },
    )
