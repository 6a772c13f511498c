"""The package around the parts of an Office file."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Final
from xml.sax.saxutils import escape

SCHEMAS: Final = "http://schemas.openxmlformats.org"
NAMESPACES: Final = (
    f'xmlns:w="{SCHEMAS}/wordprocessingml/2006/main" xmlns:p="{SCHEMAS}/presentationml/2006/main" '
    f'xmlns:a="{SCHEMAS}/drawingml/2006/main" xmlns:c="{SCHEMAS}/drawingml/2006/chart" '
    f'xmlns:dgm="{SCHEMAS}/drawingml/2006/diagram" xmlns:r="{SCHEMAS}/officeDocument/2006/relationships" '
    f'xmlns:m="{SCHEMAS}/officeDocument/2006/math" xmlns:mc="{SCHEMAS}/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)

_STRICT: Final = {
    f"{SCHEMAS}/{first}/2006/{last}": f"http://purl.oclc.org/ooxml/{first}/{last}"
    for first, last in (
        ("wordprocessingml", "main"),
        ("presentationml", "main"),
        ("spreadsheetml", "main"),
        ("drawingml", "main"),
        ("drawingml", "chart"),
        ("officeDocument", "relationships"),
        ("officeDocument", "math"),
    )
}

Relations = Sequence[tuple[str, str, str]]
"""Id, kind and target of each relationship."""


def make_zip(entries: Mapping[str, str | bytes]) -> bytes:
    """Returns a zip file, the same each time."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in entries.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def make_package(
    main: str,
    parts: Mapping[str, str],
    relations: Mapping[str, Relations],
    properties: Mapping[str, str] | None = None,
    *,
    strict: bool = False,
) -> bytes:
    """Returns an Office file.

    Args:
        main: the name of the part that holds the document.
        parts: content by name; an XML declaration is added.
        relations: of parts to others, by the names of the former.
        properties: such as `dc:title`.
        strict: whether the namespaces are those of the strict variant.
    """
    entries = {"[Content_Types].xml": _content_types(parts)} | dict(parts)
    entries["docProps/core.xml"] = _core(properties or {})
    package: Relations = (("rId1", "officeDocument", main), ("rId2", "metadata/core-properties", "docProps/core.xml"))
    for part, its in {"": package, **relations}.items():
        folder, _, name = part.rpartition("/")
        entries[f"{folder}/_rels/{name}.rels".lstrip("/")] = _relationships(its)
    return make_zip({name: _document(content, strict=strict) for name, content in entries.items()})


def _document(content: str, *, strict: bool) -> str:
    if strict:
        for transitional, name in _STRICT.items():
            content = content.replace(transitional, name)
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n{content}'


def _relationships(relations: Relations) -> str:
    elements = "".join(
        f'<Relationship Id="{identifier}" Type="{_type(kind)}" Target="{target}"/>'
        for identifier, kind, target in relations
    )
    return f'<Relationships xmlns="{SCHEMAS}/package/2006/relationships">{elements}</Relationships>'


def _type(kind: str) -> str:
    owner = "package" if "/" in kind else "officeDocument"
    return f"{SCHEMAS}/{owner}/2006/relationships/{kind}"


def _core(properties: Mapping[str, str]) -> str:
    stated = "".join(f"<{name}>{escape(value)}</{name}>" for name, value in properties.items())
    return (
        f'<cp:coreProperties xmlns:cp="{SCHEMAS}/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/">'
        f"{stated}</cp:coreProperties>"
    )


def _content_types(parts: Mapping[str, str]) -> str:
    kinds = "".join(
        f'<Override PartName="/{name}" ContentType="application/vnd.openxmlformats-officedocument.{kind}+xml"/>'
        for name, kind in ((name, _content_type(name)) for name in parts)
        if kind
    )
    return (
        f'<Types xmlns="{SCHEMAS}/package/2006/content-types"><Default Extension="xml" ContentType="application/xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f"{kinds}</Types>"
    )


def _content_type(name: str) -> str | None:
    kinds = {
        "word/document": "wordprocessingml.document.main",
        "word/styles": "wordprocessingml.styles",
        "word/numbering": "wordprocessingml.numbering",
        "word/footnotes": "wordprocessingml.footnotes",
        "word/endnotes": "wordprocessingml.endnotes",
        "ppt/presentation": "presentationml.presentation.main",
        "ppt/slides/": "presentationml.slide",
        "ppt/notesSlides/": "presentationml.notesSlide",
        "ppt/charts/": "drawingml.chart",
        "xl/workbook": "spreadsheetml.sheet.main",
        "xl/worksheets/": "spreadsheetml.worksheet",
        "xl/styles": "spreadsheetml.styles",
        "xl/drawings/": "drawing",
    }
    return next((kind for start, kind in kinds.items() if name.startswith(start)), None)
