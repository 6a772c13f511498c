"""From blocks to text: every offset is exact."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.domain.document import DocumentProperties, ExtractedText
from onggi.domain.errors import BadDocument
from readers import assemble as assembling
from readers.assemble import assemble
from readers.model import Block, Heading, ListItem, Page, Paragraph, Properties, RawDocument, Table
from readers.normalise import normalise


def assembled(*pages: list[Block]) -> ExtractedText:
    return assemble(RawDocument(tuple(Page(tuple(blocks)) for blocks in pages)))


def test_blank_lines_separate_blocks_but_not_list_items() -> None:
    blocks: list[Block] = [
        Heading("제1조", 2),
        Paragraph("한 줄\n두 줄"),
        ListItem("one"),
        ListItem("deeper", depth=1, marker="가."),
        Table.of_rows([["품목", "수량"], ["간장", "3"], ["", ""], ["된장", ""]]),
    ]
    assert assembled(blocks).text == ("제1조\n\n한 줄\n두 줄\n\n- one\n  가. deeper\n\n품목 | 수량\n간장 | 3\n된장")


def test_a_page_starts_at_its_first_block_and_a_blank_page_at_the_next_page() -> None:
    extracted = assembled([Paragraph("one")], [Paragraph(" \ue000 ")], [], [Paragraph("four")], [])
    assert extracted.text == "one\n\nfour"
    assert extracted.page_starts == (0, 5, 5, 5, 9)
    assert [extracted.page_at(offset) for offset in (0, 4, 5)] == [1, 1, 4]


def test_structure_is_found_again_in_the_text() -> None:
    extracted = assembled(
        [Paragraph("before"), Heading("  ## Ｔitle ﬁ ", 9), Table(("| a |", "|---|", "| 1 |"), header_lines=2)]
    )
    heading, table = extracted.headings[0], extracted.tables[0]
    assert (extracted.text[heading.start : heading.end], heading.level) == ("## Ｔitle fi", 6)
    assert extracted.text[table.start : table.header_end] == "| a |\n|---|\n"
    assert extracted.text[table.header_end : table.end] == "| 1 |"


def test_a_table_of_only_its_header_ends_with_it() -> None:
    extracted = assembled([Table(("a | b",), header_lines=1)])
    assert (extracted.tables[0].header_end, extracted.tables[0].end) == (5, 5)


def test_pages_that_need_recognition_are_listed_by_number() -> None:
    pages = (Page((), needs_ocr=True), Page((Paragraph("text"),)), Page((), needs_ocr=True))
    assert assemble(RawDocument(pages)).needs_ocr == (1, 3)


@pytest.mark.parametrize("pages", [(), ((),), ((Paragraph("\u200b\n \n"),),)])
def test_a_document_without_text_is_empty_and_has_a_page(pages: tuple[tuple[Block, ...], ...]) -> None:
    extracted = assemble(RawDocument(tuple(Page(blocks) for blocks in pages)))
    assert (extracted.text, extracted.page_starts) == ("", (0,))


def test_properties_are_on_one_line() -> None:
    stated = Properties(title=" 보고서\x00\n 2026 ", author="\ufeff", created="2026-01-02", modified=None)
    extracted = assemble(RawDocument((Page((Paragraph("text"),)),), stated))
    assert extracted.properties == DocumentProperties("보고서 2026", None, "2026-01-02", None)


def test_a_text_beyond_the_limit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembling, "MAX_CHARACTERS", 10)
    with pytest.raises(BadDocument, match="too_large"):
        assembled([Paragraph("12345"), Paragraph("67890")])


TEXTS = st.text(st.sampled_from("aé가ᄀ\u0301ﬁ #|-\t\n\r\x00\ue000\u2028"), max_size=12)
BLOCKS = st.one_of(
    st.builds(Paragraph, TEXTS),
    st.builds(Heading, TEXTS, st.integers(-1, 9)),
    st.builds(ListItem, TEXTS, st.integers(-1, 20), TEXTS),
    st.builds(Table, st.lists(TEXTS, max_size=4).map(tuple), st.integers(0, 3)),
)


@given(st.lists(st.lists(BLOCKS, max_size=6), max_size=5))
def test_all_spans_are_ordered_and_within_the_text(pages: list[list[Block]]) -> None:
    extracted = assembled(*pages)
    assert normalise(extracted.text) == extracted.text
    assert list(extracted.page_starts) == sorted(extracted.page_starts)
    assert all(0 <= start <= len(extracted.text) for start in extracted.page_starts)
    headings = [(heading.start, heading.end) for heading in extracted.headings]
    spans = sorted(headings + [(table.start, table.end) for table in extracted.tables])
    assert all(extracted.text[start:end].strip() for start, end in spans)
    assert all(before[1] < after[0] for before, after in pairwise(spans))
    for table in extracted.tables:
        assert table.start <= table.header_end <= table.end
        assert table.header_end in {table.start, table.end} or extracted.text[table.header_end - 1] == "\n"
