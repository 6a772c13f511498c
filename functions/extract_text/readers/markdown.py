"""Markdown, kept as it is written."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from readers.dates import iso_date
from readers.encoding import read_text
from readers.model import Block, Heading, Page, Paragraph, Properties, RawDocument, Table

_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_HASHES: Final = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_UNDERLINE: Final = re.compile(r" {0,3}(=+|-+)[ \t]*")
_NO_TITLE: Final = re.compile(r"    |\t| {0,3}(?:[-*+>|]|\d{1,9}[.)])")
"""Beginnings of lines that an underline does not turn into a heading: code, a list, a quotation, a table."""

_TABLE_RULE: Final = re.compile(r":?-+:?")
_CELL_EDGE: Final = re.compile(r"(?<!\\)\|")

_FRONT_MATTER_MARKS: Final = ("---", "+++")  # YAML and TOML
_FRONT_MATTER_ENDS: Final = {"---": ("---", "..."), "+++": ("+++",)}
_FIELD: Final = re.compile(r"([A-Za-z_]+)\s*[:=]\s*(.*)")
_ENTRY: Final = re.compile(r"\s*-\s+(.*)")
MAX_FRONT_MATTER_LINES: Final = 200


def read_markdown(file: Path) -> RawDocument:
    """Reads Markdown as it is written; front matter becomes properties and stays in the text.

    The title is that of the front matter, else the first heading of level 1.

    Raises:
        BadDocument: as `read_text`.
    """
    lines = read_text(file).replace("\r\n", "\n").replace("\r", "\n").split("\n")
    front = _front_matter(lines)
    fields = _fields(front)
    writer = _Writer()
    writer.lines = front
    writer.end_paragraph()
    _write_blocks(lines, len(front), writer)
    properties = Properties(
        title=fields.get("title") or writer.title,
        author=fields.get("author") or fields.get("authors"),
        created=iso_date(fields.get("date") or fields.get("created")),
        modified=iso_date(fields.get("updated") or fields.get("modified") or fields.get("lastmod")),
    )
    return RawDocument((Page(tuple(writer.blocks)),), properties)


@dataclass(slots=True)
class _Writer:
    """Collects blocks.

    Attributes:
        lines: lines of the open paragraph.
        run_start: index of the first line that an underline would turn into a heading.
        title: text of the first heading of level 1, without marks.
    """

    blocks: list[Block] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    run_start: int = 0
    title: str | None = None

    def add(self, line: str, *, ends_run: bool = False) -> None:
        self.lines.append(line)
        if ends_run or not line.strip():
            self.run_start = len(self.lines)

    def end_paragraph(self) -> None:
        text = "\n".join(self.lines)
        if text.strip():
            self.blocks.append(Paragraph(text.strip("\n")))
        self.lines, self.run_start = [], 0

    def heading(self, written: list[str], title: str, level: int) -> None:
        self.end_paragraph()
        self.blocks.append(Heading("\n".join(written), level))
        if level == 1 and self.title is None:
            self.title = title

    def take_run(self) -> list[str]:
        """Removes the lines before an underline from the paragraph and returns them; empty if they are no heading."""
        run = self.lines[self.run_start :] if self.run_start < len(self.lines) else []
        if not run or _NO_TITLE.match(run[0]):
            return []
        del self.lines[self.run_start :]
        return run


def _write_blocks(lines: list[str], number: int, writer: _Writer) -> None:
    fence = ""
    while number < len(lines):
        line = lines[number]
        if fence:
            writer.add(line, ends_run=True)
            fence = "" if _closes(fence, line) else fence
        elif fence := _fence(line):
            writer.add(line, ends_run=True)
        elif end := _table_end(lines, number):
            writer.end_paragraph()
            writer.blocks.append(Table(tuple(lines[number:end]), header_lines=2))
            number = end
            continue
        elif not _write_heading(line, writer):
            writer.add(line, ends_run=_UNDERLINE.fullmatch(line) is not None)
        number += 1
    writer.end_paragraph()


def _write_heading(line: str, writer: _Writer) -> bool:
    """Writes the heading of a line, or of an underline and the lines before it; returns False if there is none."""
    if (hashes := _HASHES.match(line)) and (title := _title(line)):
        writer.heading([line], title, len(hashes.group(1)))
        return True
    if (underline := _UNDERLINE.fullmatch(line)) and (run := writer.take_run()):
        writer.heading([*run, line], " ".join(part.strip() for part in run), 1 if "=" in underline.group(1) else 2)
        return True
    return False


def _fence(line: str) -> str:
    """Returns the mark that opens a code block, empty if there is none."""
    fence = _FENCE.match(line)
    if not fence or (fence.group(1).startswith("`") and "`" in line[fence.end() :]):
        return ""
    return fence.group(1)


def _closes(fence: str, line: str) -> bool:
    mark = line.strip()
    return mark.startswith(fence) and not mark.strip(fence[0]) and line.find(mark) <= len("   ")


def _title(line: str) -> str:
    """Returns the text of a heading without its marks; closing marks must follow a blank."""
    text = line.strip().lstrip("#").strip()
    shorter = text.rstrip("#")
    return shorter.rstrip() if not shorter or shorter[-1].isspace() else text


def _table_end(lines: list[str], number: int) -> int:
    """Returns the number of the line after the table that begins at a line, 0 if none does."""
    if "|" not in lines[number] or number + 1 == len(lines):
        return 0
    rule = _cells(lines[number + 1])
    if "|" not in lines[number + 1] or not all(_TABLE_RULE.fullmatch(cell) for cell in rule):
        return 0
    if len(rule) != len(_cells(lines[number])):
        return 0
    end = number + 2
    while end < len(lines) and "|" in lines[end] and not _fence(lines[end]):
        end += 1
    return end


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in _CELL_EDGE.split(line.strip().removeprefix("|").removesuffix("|"))]


def _front_matter(lines: list[str]) -> list[str]:
    """Returns the front matter at the top with its marks; empty if there is none."""
    mark = lines[0].rstrip()
    if mark not in _FRONT_MATTER_MARKS:
        return []
    for number, line in enumerate(lines[1:MAX_FRONT_MATTER_LINES], start=2):
        if line.rstrip() in _FRONT_MATTER_ENDS[mark]:
            described = any(_FIELD.match(field) for field in lines[1 : number - 1])
            return lines[:number] if described else []
    return []


def _fields(front: list[str]) -> dict[str, str]:
    """Returns the fields of the front matter by name, in lower case; entries of a list are joined with `, `."""
    fields: dict[str, str] = {}
    name = ""
    for line in front[1:-1]:
        if stated := _FIELD.match(line):
            name = stated.group(1).lower()
            fields[name] = _value(stated.group(2))
        elif name and (entry := _ENTRY.fullmatch(line)):
            fields[name] = ", ".join(filter(None, (fields[name], _value(entry.group(1)))))
    return fields


def _value(written: str) -> str:
    written = written.strip()
    if written.startswith("[") and written.endswith("]"):
        return ", ".join(filter(None, (_value(part) for part in written[1:-1].split(","))))
    return written.strip("\"'").strip()
