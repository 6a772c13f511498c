"""The context of a stretch of a document: the headings above it, and the columns of the table it begins in."""

import re
from bisect import bisect_right
from typing import Final

from onggi.domain.chunk import MAX_CONTEXT_BYTES
from onggi.domain.document import ExtractedText, HeadingSpan

PATH_SEPARATOR: Final = " > "
MAX_TITLE: Final = 120
"""Characters of a heading in a path: one that is longer has become a paragraph by mistake."""
MAX_PATH_BYTES: Final = MAX_CONTEXT_BYTES // 2
"""UTF-8 bytes of a path, more than one title takes; the rest is left to the columns of a table."""

_MARKS: Final = re.compile(r"^#{1,6}(?:\s+|$)|\s+#+$")


class Outline:
    """The headings and tables of a text."""

    def __init__(self, extracted: ExtractedText) -> None:
        self._text = extracted.text
        self._headings = extracted.headings
        self._heading_starts = [heading.start for heading in extracted.headings]
        self._titles = [self._title(heading) for heading in extracted.headings]
        self._paths = self._paths_to_headings()
        self._tables = extracted.tables
        self._table_starts = [table.start for table in extracted.tables]

    def context_at(self, start: int) -> str:
        """The context of a chunk that begins at an offset: at most 1,024 UTF-8 bytes, empty where there is none.

        The first line is the path of headings, outermost first, without one that the chunk itself begins with. The
        names of the columns follow where the chunk begins in the body of a table.
        """
        path = self._path_at(start)
        columns = self._columns_at(start)
        left = MAX_CONTEXT_BYTES - len((path + "\n").encode())
        return "\n".join(filter(None, (path, _first_bytes(columns, left))))

    def _path_at(self, start: int) -> str:
        last = bisect_right(self._heading_starts, start) - 1
        if last < 0:
            return ""
        heading, titles = self._headings[last], self._paths[last]
        if start >= heading.end or self._text[heading.start : start].strip():
            titles = (*titles, self._titles[last])
        titles = tuple(filter(None, titles))
        while len(path := PATH_SEPARATOR.join(titles).encode()) > MAX_PATH_BYTES:
            titles = titles[1:]
        return path.decode()

    def _columns_at(self, start: int) -> str:
        last = bisect_right(self._table_starts, start) - 1
        table = self._tables[last] if last >= 0 else None
        if table is None or not table.header_end <= start < table.end:
            return ""
        return self._text[table.start : table.header_end].strip()

    def _paths_to_headings(self) -> list[tuple[str, ...]]:
        """The titles above each heading, without its own."""
        paths = []
        above: list[tuple[int, str]] = []
        for heading, title in zip(self._headings, self._titles, strict=True):
            while above and above[-1][0] >= heading.level:
                above.pop()
            paths.append(tuple(title for _, title in above))
            above.append((heading.level, title))
        return paths

    def _title(self, heading: HeadingSpan) -> str:
        first_line = self._text[heading.start : heading.end].strip().split("\n", 1)[0]
        return " ".join(_MARKS.sub("", first_line)[:MAX_TITLE].split())


def _first_bytes(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore").rstrip()
