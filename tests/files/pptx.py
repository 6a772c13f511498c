"""PowerPoint files for tests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from tests.files.office_package import NAMESPACES, make_package


@dataclass(frozen=True)
class Slide:
    """A slide of a presentation.

    Attributes:
        shapes: what lies in its tree.
        notes: what lies in the tree of its notes.
        parts: name, kind of relationship and content of more parts; their ids are their names.
        hidden: whether it is left out when the presentation is shown.
    """

    shapes: str
    notes: str = ""
    parts: Sequence[tuple[str, str, str]] = field(default=())
    hidden: bool = False


def paragraph(text: str = "", properties: str = "", level: int = 0) -> str:
    """Returns a paragraph; a line break in the text is one of its own."""
    runs = "<a:br/>".join(f"<a:r><a:t>{escape(line)}</a:t></a:r>" for line in text.split("\n"))
    return f'<a:p><a:pPr lvl="{level}">{properties}</a:pPr>{runs}</a:p>'


def shape(*paragraphs: str, placeholder: str | None = None) -> str:
    """Returns a shape with text; an empty name makes a placeholder for any content."""
    kind = f' type="{placeholder}"' if placeholder else ""
    place = "" if placeholder is None else f"<p:ph{kind}/>"
    body = f"<p:txBody><a:bodyPr/>{''.join(paragraphs)}</p:txBody>"
    return f"<p:sp><p:nvSpPr><p:nvPr>{place}</p:nvPr></p:nvSpPr>{body}</p:sp>"


def title(text: str) -> str:
    """Returns the title of a slide."""
    return shape(paragraph(text), placeholder="title")


def frame(content: str) -> str:
    """Returns a frame around a table, chart or diagram."""
    return f"<p:graphicFrame><a:graphic><a:graphicData>{content}</a:graphicData></a:graphic></p:graphicFrame>"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Returns a table of plain texts."""
    cells = ("".join(f"<a:tc><a:txBody>{paragraph(text)}</a:txBody></a:tc>" for text in row) for row in rows)
    return frame(f"<a:tbl>{''.join(f'<a:tr>{row}</a:tr>' for row in cells)}</a:tbl>")


def group(content: str) -> str:
    """Returns a group of shapes."""
    return f"<p:grpSp><p:nvGrpSpPr/>{content}</p:grpSp>"


def picture() -> str:
    """Returns an image."""
    return '<p:pic><p:blipFill><a:blip r:embed="image"/></p:blipFill></p:pic>'


def make_pptx(slides: Sequence[Slide], properties: Mapping[str, str] | None = None, *, strict: bool = False) -> bytes:
    """Returns a PowerPoint file; the names of its slides' parts are in the opposite order of the slides."""
    names = [f"ppt/slides/slide{len(slides) - number}.xml" for number in range(len(slides))]
    contents: dict[str, str] = {}
    relations: dict[str, list[tuple[str, str, str]]] = {}
    for name, slide in zip(names, slides, strict=True):
        contents[name] = _slide("sld", slide.shapes, ' show="0"' if slide.hidden else "")
        relations[name] = [(part, kind, f"../{part}") for part, kind, _ in slide.parts]
        contents |= {f"ppt/{part}": content for part, _, content in slide.parts}
        if slide.notes:
            notes = name.replace("slides/slide", "notesSlides/notesSlide")
            contents[notes] = _slide("notes", slide.notes)
            relations[name].append(("notes", "notesSlide", f"/{notes}"))
    listed = "".join(f'<p:sldId r:id="s{number}"/>' for number in range(len(slides)))
    contents["ppt/presentation.xml"] = (
        f"<p:presentation {NAMESPACES}><p:sldIdLst>{listed}</p:sldIdLst></p:presentation>"
    )
    relations["ppt/presentation.xml"] = [
        (f"s{number}", "slide", name.removeprefix("ppt/")) for number, name in reversed([*enumerate(names)])
    ]
    return make_package("ppt/presentation.xml", contents, relations, properties, strict=strict)


def _slide(root: str, shapes: str, attributes: str = "") -> str:
    tree = f"<p:cSld><p:spTree><p:nvGrpSpPr/>{shapes}</p:spTree></p:cSld>"
    return f"<p:{root} {NAMESPACES}{attributes}>{tree}</p:{root}>"


def make_sample() -> bytes:
    """Returns a business plan in Korean with an English slide, a table, lists, notes and properties."""
    first = Slide(
        title("2026년 사업 계획")
        + shape(paragraph("신제품을 출시한다"), paragraph("상반기에 시험한다", level=1), placeholder="body"),
        notes=shape(paragraph("시장 조사 결과를 먼저 말한다."), placeholder="body"),
    )
    second = Slide(title("예산") + table([["부문", "금액"], ["개발", "300"], ["홍보", "120"]]))
    third = Slide(title("Schedule") + shape(paragraph("The launch is planned for the third quarter.")))
    return make_pptx(
        [first, second, third],
        {"dc:title": "2026년 사업 계획", "dc:creator": "기획실", "dcterms:created": "2026-01-05T09:00:00Z"},
    )
