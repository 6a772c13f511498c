"""Turns a page of HTML into blocks."""

import re
from dataclasses import dataclass, field
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

from readers.html_tables import MAX_SPARE_CELLS, Grid, data_tables
from readers.html_tree import BLOCKS, Step, elements, inline_text, integer, steps
from readers.model import Block, Heading, ListItem, Paragraph

MAX_LIST_DEPTH: Final = 9

_JOINED_TO_TERM: Final = elements("dd dt p div")
_PREFORMATTED: Final = elements("pre listing xmp plaintext textarea")
_LISTS: Final = elements("ul ol menu dir")
_HEADING: Final = re.compile(r"h([1-6])")

_TERM_END: Final = ": "
_BLANKS: Final = re.compile(r"[ \t\n\r\f]+")
_SPACES: Final = re.compile(" {2,}")
_AROUND_BREAK: Final = re.compile(" ?\n ?")


def blocks_of(tree: LexborHTMLParser) -> tuple[Block, ...]:
    """Returns the visible blocks of a page, in order."""
    root = tree.root
    if root is None:
        return ()
    walker = _Walker(data_tables(root) if tree.css_first("table") else frozenset())
    for step, node in steps(root):
        walker.take(step, node)
    walker.end_block()
    return tuple(walker.blocks)


@dataclass(slots=True)
class _List:
    """An open list; `number` is that of its next item."""

    is_ordered: bool
    number: int = 1


@dataclass(slots=True)
class _Walker:
    """Turns the steps through a tree into blocks.

    Attributes:
        data_tables: ids of the tables that become table blocks.
        text: text of the open block.
        marker: marker of the list item whose text has not begun.
        grid: the open table of data.
    """

    data_tables: frozenset[int]
    blocks: list[Block] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    level: int = 0
    preformatted: int = 0
    lists: list[_List] = field(default_factory=list)
    marker: str = ""
    grid: Grid | None = None
    spare_cells: int = MAX_SPARE_CELLS

    def take(self, step: Step, node: LexborNode) -> None:
        tag = node.tag
        if tag is None:
            return
        if self.grid is not None:
            self._take_in_grid(self.grid, step, tag, node)
        elif step == "leave":
            self._leave(tag)
        elif node.is_text_node:
            self.text.append(_shown_text(node, verbatim=self.preformatted > 0))
        else:
            self._enter(tag, node)

    def end_block(self) -> None:
        """Turns the collected text into a block, unless it is blank."""
        text = _tidy(self.text) if self.text and not self.preformatted else "".join(self.text)
        self.text.clear()
        if not text or text.isspace():
            return
        if self.level:
            self.blocks.append(Heading(text, self.level))
        elif self.marker:
            self.blocks.append(ListItem(text, min(max(len(self.lists) - 1, 0), MAX_LIST_DEPTH), self.marker))
            self.marker = ""
        else:
            self.blocks.append(Paragraph(text))

    def _enter(self, tag: str, node: LexborNode) -> None:
        if inline := inline_text(tag, node):
            self.text.append(inline)
        if tag not in BLOCKS:
            return
        if not (tag in _JOINED_TO_TERM and self.text and self.text[-1] is _TERM_END):
            self.end_block()
        if heading := _HEADING.fullmatch(tag):
            self.level = int(heading.group(1))
        elif tag in _PREFORMATTED:
            self.preformatted += 1
        elif tag in _LISTS:
            self.lists.append(_List(tag == "ol", integer(node.attributes.get("start"), 1)))
        elif tag == "li":
            self.marker = self._next_marker(node)
        elif tag == "table" and node.mem_id in self.data_tables:
            self.grid = Grid(self.spare_cells)

    def _leave(self, tag: str) -> None:
        if tag == "dt" and any(map(str.strip, self.text)):
            self.text.append(_TERM_END)
            return
        if tag not in BLOCKS:
            return
        self.end_block()
        if _HEADING.fullmatch(tag):
            self.level = 0
        elif tag in _PREFORMATTED:
            self.preformatted -= 1
        elif tag in _LISTS:
            self.lists.pop()
        elif tag == "li":
            self.marker = ""

    def _next_marker(self, item: LexborNode) -> str:
        if not self.lists or not self.lists[-1].is_ordered:
            return "-"
        current = self.lists[-1]
        number = integer(item.attributes.get("value"), current.number)
        current.number = number + 1
        return f"{number}."

    def _take_in_grid(self, grid: Grid, step: Step, tag: str, node: LexborNode) -> None:
        if step == "enter":
            grid.enter(tag, node)
        elif grid.leave(tag):
            self.spare_cells = grid.spare_cells
            self.blocks.extend(grid.blocks())
            self.grid = None


def _shown_text(node: LexborNode, *, verbatim: bool) -> str:
    text = node.text_content or ""
    return text if verbatim else _BLANKS.sub(" ", text)


def _tidy(pieces: list[str]) -> str:
    return _AROUND_BREAK.sub("\n", _SPACES.sub(" ", "".join(pieces))).strip()
