"""HWPX files from paragraphs, tables and controls."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape, quoteattr

XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>'
YEAR: Final = 2011
TYPE: Final = "application/xml"


def make_sample() -> bytes:
    """Returns headings, paragraphs, a list, a table, a note and properties, over two pages."""
    first = [
        paragraph(text("임대차 계약서 Lease Agreement"), shape=1),
        paragraph(text("제1조 임대인은 ") + note("계약일을 기준으로 한다.") + text("목적물을 임차인에게 인도한다.")),
        paragraph(text("The landlord hands over the premises."), shape=2),
        paragraph(text("임차인은 차임을 지급한다."), shape=2),
        paragraph(table([["구분", "Item"], ["임대료", "Rent"], ["보증금", "Deposit"]], header_rows=1)),
    ]
    second = [
        paragraph(text("부칙 Addenda"), shape=1),
        paragraph(text("이 계약은 서명한 날부터 효력이 있다.")),
    ]
    return make_hwpx(
        [first, second],
        header=document_header([("NONE", 0, 0), ("OUTLINE", 0, 0), ("BULLET", 0, 1)]),
        metadata={"creator": "홍길동", "CreatedDate": "2026-01-05T09:00:00Z"},
        title="임대차 계약서",
    )


def make_hwpx(
    sections: Sequence[Sequence[str]],
    header: str | None = None,
    metadata: Mapping[str, str] | None = None,
    title: str = "",
    year: int = YEAR,
    changed: Mapping[str, str | None] | None = None,
) -> bytes:
    """Returns a file of sections; `changed` are entries to replace, or to leave out if they are None."""
    names = [f"section{number}" for number in range(len(sections))]
    entries: dict[str, str | None] = {
        "mimetype": "application/hwp+zip",
        "META-INF/container.xml": _container(),
        "META-INF/manifest.xml": f'{XML}<odf:manifest xmlns:odf="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        "Contents/content.hpf": package(names, metadata or {}, title),
        "Contents/header.xml": header or document_header(),
    }
    for name, paragraphs in zip(names, sections, strict=True):
        entries[f"Contents/{name}.xml"] = section(paragraphs, year)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (entries | dict(changed or {})).items():
            if content is not None:
                archive.writestr(name, content)
    return target.getvalue()


def package(names: Sequence[str], metadata: Mapping[str, str], title: str = "") -> str:
    """Returns the package file, whose spine names the parts in this order."""
    items = "".join(f'<opf:item id="{name}" href="Contents/{name}.xml" media-type="{TYPE}"/>' for name in names)
    refs = "".join(f'<opf:itemref idref="{name}" linear="yes"/>' for name in ("header", *names))
    metas = "".join(
        f'<opf:meta name="{name}" content="text">{escape(text)}</opf:meta>' for name, text in metadata.items()
    )
    return (
        f'{XML}<opf:package xmlns:opf="http://www.idpf.org/2007/opf/">'
        f"<opf:metadata><opf:title>{escape(title)}</opf:title>{metas}</opf:metadata>"
        f'<opf:manifest><opf:item id="header" href="Contents/header.xml" media-type="{TYPE}"/>{items}</opf:manifest>'
        f"<opf:spine>{refs}</opf:spine></opf:package>"
    )


def document_header(
    shapes: Sequence[tuple[str, int, int]] = (("NONE", 0, 0),),
    styles: Sequence[str] = ("바탕글",),
    numberings: Sequence[Sequence[tuple[str, str, int]]] = ((("^1.", "DIGIT", 1),) * 7,),
    bullets: str = "○",
) -> str:
    """Shapes are kind of head, level and reference; a numbering has a pattern, a shape and a start for each level."""
    parts = [
        f'<hh:paraPr id="{number}"><hh:heading type="{kind}" idRef="{reference}" level="{level}"/></hh:paraPr>'
        for number, (kind, level, reference) in enumerate(shapes)
    ]
    parts += [f'<hh:style id="{number}" type="PARA" name={quoteattr(name)}/>' for number, name in enumerate(styles)]
    parts += [f'<hh:bullet id="{number}" char={quoteattr(sign)}/>' for number, sign in enumerate(bullets, 1)]
    for number, levels in enumerate(numberings, 1):
        heads = "".join(
            f'<hh:paraHead level="{level}" start="{start}" numFormat="{shape}">{escape(pattern)}</hh:paraHead>'
            for level, (pattern, shape, start) in enumerate(levels, 1)
        )
        parts.append(f'<hh:numbering id="{number}" start="0">{heads}</hh:numbering>')
    return f'{XML}<hh:head xmlns:hh="http://www.hancom.co.kr/hwpml/2011/head">{"".join(parts)}</hh:head>'


def section(paragraphs: Sequence[str], year: int = YEAR) -> str:
    names = "".join(
        f' xmlns:{prefix}="http://www.hancom.co.kr/hwpml/{year}/{name}"'
        for prefix, name in (("hs", "section"), ("hp", "paragraph"))
    )
    return f"{XML}<hs:sec{names}>{''.join(paragraphs)}</hs:sec>"


def paragraph(*runs: str, shape: int = 0, style: int = 0, page_break: bool = False) -> str:
    content = "".join(f'<hp:run charPrIDRef="0">{run}</hp:run>' for run in runs)
    return (
        f'<hp:p id="0" paraPrIDRef="{shape}" styleIDRef="{style}" pageBreak="{int(page_break)}">{content}'
        '<hp:linesegarray><hp:lineseg textpos="0"/></hp:linesegarray></hp:p>'
    )


def text(content: str) -> str:
    marked = (
        escape(content).replace("\t", '<hp:tab width="4000" leader="0" type="1"/>').replace("\n", "<hp:lineBreak/>")
    )
    return f"<hp:t>{marked}</hp:t>"


def inner(*paragraphs: str) -> str:
    return f'<hp:subList id="">{"".join(paragraphs)}</hp:subList>'


def cell(content: str, row: int, column: int, header: bool = False) -> str:
    """Returns a cell around paragraphs."""
    return (
        f'<hp:tc name="" header="{int(header)}">{inner(content)}'
        f'<hp:cellAddr colAddr="{column}" rowAddr="{row}"/><hp:cellSpan colSpan="1" rowSpan="1"/></hp:tc>'
    )


def table(rows: Sequence[Sequence[str]], header_rows: int = 0, caption: str = "") -> str:
    """Returns a table of texts."""
    lines = (
        [cell(paragraph(text(content)), row, column, row < header_rows) for column, content in enumerate(texts)]
        for row, texts in enumerate(rows)
    )
    return table_of_cells(list(lines), caption)


def table_of_cells(rows: Sequence[Sequence[str]], caption: str = "") -> str:
    lines = "".join(f"<hp:tr>{''.join(cells)}</hp:tr>" for cells in rows)
    below = f'<hp:caption side="BOTTOM">{inner(caption)}</hp:caption>' if caption else ""
    return f'<hp:tbl id="1" repeatHeader="1">{below}{lines}</hp:tbl>'


def text_box(*paragraphs: str) -> str:
    box = f"<hp:drawText>{inner(*paragraphs)}</hp:drawText><hp:shapeComment>사각형입니다.</hp:shapeComment>"
    return f'<hp:rect id="1"><hp:offset x="0" y="0"/>{box}</hp:rect>'


def note(content: str, kind: str = "footNote") -> str:
    return control(
        f'<hp:{kind} number="1">{inner(paragraph(number(1, "FOOTNOTE", suffix=")") + text(f" {content}")))}</hp:{kind}>'
    )


def number(value: int, kind: str, shape: str = "DIGIT", suffix: str = "") -> str:
    return control(
        f'<hp:autoNum num="{value}" numType="{kind}">'
        f'<hp:autoNumFormat type="{shape}" userChar="" prefixChar="" suffixChar="{suffix}"/></hp:autoNum>'
    )


def control(content: str) -> str:
    return f"<hp:ctrl>{content}</hp:ctrl>"


def _container() -> str:
    return (
        f'{XML}<ocf:container xmlns:ocf="urn:oasis:names:tc:opendocument:xmlns:container"><ocf:rootfiles>'
        '<ocf:rootfile full-path="Contents/content.hpf" media-type="application/hwpml-package+xml"/>'
        "</ocf:rootfiles></ocf:container>"
    )
