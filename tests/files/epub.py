"""EPUB books from chapters."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Final

CONTAINER: Final = """<?xml version="1.0"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="책/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""

METADATA: Final = """<dc:title>임대차 이야기</dc:title>
<dc:creator>홍길동</dc:creator><dc:creator>Kim Chulsoo</dc:creator>
<dc:date>2026-01-05</dc:date><meta property="dcterms:modified">2026-02-01T00:00:00Z</meta>"""


def make_sample() -> bytes:
    """Returns two chapters, with headings, a list, a table and properties."""
    table = "<table><tr><th>구분</th><th>금액</th></tr><tr><td>보증금</td><td>10,000,000</td></tr></table>"
    return make_epub(
        [
            "<h1>첫째 장 The first chapter</h1><p>계약은 말로도 이루어진다.</p><ul><li>집 house</li></ul>",
            f"<h1>둘째 장</h1><p>The deposit is returned.</p>{table}",
        ]
    )


def make_epub(
    chapters: Sequence[str], metadata: str = METADATA, more: Mapping[str, str] | None = None, order: str = ""
) -> bytes:
    """Returns a book of chapters, given as the inner HTML of their bodies.

    Args:
        chapters: in the order of their files.
        metadata: the inner XML of the package's metadata.
        more: other entries by name.
        order: numbers of the chapters from 0, separated by blanks, in reading order; as they come where empty.
    """
    numbers = [int(number) for number in order.split()] or list(range(len(chapters)))
    items = "".join(
        f'<item id="c{number}" href="text/%EC%9E%A5{number}.xhtml" media-type="application/xhtml+xml"/>'
        for number in range(len(chapters))
    )
    items += '<item id="nav" href="nav.xhtml" properties="nav" media-type="application/xhtml+xml"/>'
    references = "".join(f'<itemref idref="c{number}"/>' for number in numbers)
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        f'<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata>'
        f'<manifest>{items}</manifest><spine><itemref idref="nav"/>{references}</spine></package>'
    )
    entries = {"mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER, "책/book.opf": package}
    entries["책/nav.xhtml"] = chapter("<nav><ol><li>차례</li></ol></nav><p>차례</p>")
    entries |= {f"책/text/장{number}.xhtml": chapter(body) for number, body in enumerate(chapters)}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in (entries | dict(more or {})).items():
            archive.writestr(name, content)
    return target.getvalue()


def chapter(body: str) -> str:
    """Returns an XHTML file with self-closing elements, which only XML knows."""
    head = '<head><title/><script src="a.js"/></head>'
    return f'<?xml version="1.0" encoding="utf-8"?><html xmlns="http://www.w3.org/1999/xhtml">{head}<body>{body}</body></html>'
