from collections.abc import Callable
from pathlib import Path

import pytest

from onggi.domain.document import ExtractedText
from readers.markdown import read_markdown
from readers.model import Block, Heading, Paragraph, Properties, RawDocument, Table
from tests.files.text import make_markdown

ReadBytes = Callable[[bytes, str], ExtractedText]
Read = Callable[[str], RawDocument]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_content(content: str) -> RawDocument:
        file = tmp_path / "content"
        file.write_bytes(content.encode())
        return read_markdown(file)

    return read_content


def blocks(document: RawDocument) -> tuple[Block, ...]:
    (page,) = document.pages
    return page.blocks


@pytest.mark.parametrize("name", ["계약서.md", "contract.MARKDOWN"])
def test_markdown_keeps_its_marks_and_gives_its_title(read_bytes: ReadBytes, name: str) -> None:
    source = (
        "---\nauthor: 김\n---\n\n## Before\n\n```\n# not this\n```\n\n# 임대차  계약서 #\n\n- one\n- two\n\n# Later"
    )
    document = read_bytes(source.encode(), name)
    assert document.text == source
    assert document.properties.title == "임대차 계약서"
    assert document.properties.author == "김"


@pytest.mark.parametrize("source", ["no heading", "## second level only", "#hashtag", "# ", "    # code", "\\# a"])
def test_markdown_without_title(read_bytes: ReadBytes, source: str) -> None:
    assert read_bytes(f"{source}\n\ntext".encode(), "a.md").properties.title is None


def test_the_sample_has_all_its_structure(read_bytes: ReadBytes) -> None:
    document = read_bytes(make_markdown(), "a.md")
    assert document.text == make_markdown().decode().strip()
    assert document.properties == Properties("임대차 안내 Lease guide", "홍길동", "2026-01-05")
    headings = [document.text[span.start : span.end] for span in document.headings]
    assert headings == ["# 임대차 안내", "부칙 Addenda\n------------"]
    (table,) = document.tables
    assert document.text[table.start : table.header_end] == "| 구분 | Amount |\n|------|-------:|\n"
    assert document.text[table.start : table.end].endswith("| 월세 | 500,000 |")


@pytest.mark.parametrize(
    ("source", "level"),
    [
        ("# a", 1),
        ("   ###### a", 6),
        ("#\ta ##", 1),
        ("a\n=", 1),
        ("a\nb\n   ---  ", 2),
    ],
)
def test_headings_as_they_are_written(read: Read, source: str, level: int) -> None:
    assert blocks(read(source)) == (Heading(source, level),)


@pytest.mark.parametrize(
    "source",
    [
        "#######  a",
        "text\n\n---\n\ntext",
        "- item\n---\nafter\n\n> quote\n===",
        "```\na\n---\n# b\n```",
        "~~~ ```\n# a\n```\n# b\n~~~~",
        "```\n# a\n``` more\n# b",
        "```\ncode\n```\n---",
        "***\n---",
        "    # code",
    ],
)
def test_lines_that_are_no_headings(read: Read, source: str) -> None:
    assert blocks(read(source)) == (Paragraph(source),)


def test_a_line_after_a_rule_can_be_a_heading(read: Read) -> None:
    assert blocks(read("---\n제목\n===")) == (Paragraph("---"), Heading("제목\n===", 1))


def test_a_table_ends_before_the_first_other_line(read: Read) -> None:
    table = "a | b \\| c\n:-- | --:\n1 | 2\n| 3 |"
    assert blocks(read(f"text\n{table}\nafter | it\n\nend")) == (
        Paragraph("text"),
        Table((*table.split("\n"), "after | it"), header_lines=2),
        Paragraph("end"),
    )


@pytest.mark.parametrize("source", ["a | b\n--- | --- | ---", "a | b\n", "a\n|---|\n| b |", "a | b\n-- | x"])
def test_lines_that_are_no_table(read: Read, source: str) -> None:
    assert not any(isinstance(block, Table) for block in blocks(read(source)))


@pytest.mark.parametrize(
    ("front", "properties"),
    [
        ('title: "첫 글"\nauthors: [홍길동, "Kim"]', Properties("첫 글", "홍길동, Kim")),
        ("authors:\n  - 홍길동\n  - Kim\ndate: 2026.1.5", Properties(None, "홍길동, Kim", "2026-01-05")),
        ("Title: a: b\nlastmod: 2026-01-05T09:00:00Z", Properties("a: b", None, None, "2026-01-05T09:00:00Z")),
        ("tags: [a]", Properties("제목")),
    ],
)
def test_front_matter_states_properties(read: Read, front: str, properties: Properties) -> None:
    expected = Properties(properties.title or "제목", properties.author, properties.created, properties.modified)
    assert read(f"---\n{front}\n---\n# 제목").properties == expected


def test_front_matter_in_toml(read: Read) -> None:
    document = read('+++\ntitle = "제목"\n+++\n본문')
    assert document.properties.title == "제목"
    assert blocks(document) == (Paragraph('+++\ntitle = "제목"\n+++'), Paragraph("본문"))


@pytest.mark.parametrize("source", ["---\n\ntext\n\n---", "---\ntitle: a\n\nnever ends"])
def test_rules_are_no_front_matter(read: Read, source: str) -> None:
    assert read(source).properties == Properties()


@pytest.mark.parametrize(
    "source",
    [
        "# " + " " * 500_000 + "x",
        "# " + " #" * 300_000 + "x",
        "- a\n" + "---\n" * 300_000,
        "a\n" * 300_000 + "===",
        "a | b\n" * 200_000,
        "```\n" + "# a\n" * 300_000,
        "|" * 500_000 + "\n" + "|" * 500_000,
        "x" * 3_000_000,
    ],
)
def test_hostile_markdown_takes_time_by_its_length(read: Read, source: str) -> None:
    assert read(source).pages
