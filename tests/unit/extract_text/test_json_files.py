import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onggi.domain.errors import BadDocument
from readers.json_text import read_json
from readers.model import Block, Paragraph, Table
from tests.files.text import make_json, make_jsonl

Read = Callable[[str | bytes], tuple[Block, ...]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_content(content: str | bytes) -> tuple[Block, ...]:
        file = tmp_path / "content"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        (page,) = read_json(file).pages
        return page.blocks

    return read_content


def test_the_sample(read: Read) -> None:
    assert read(make_json()) == (
        Paragraph("계약.임대인: 홍길동\n계약.tenant.name: Kim\n계약.tenant.phones: 02-123-4567, 010-1234-5678\n지급: "),
        Table(("월 | amount | paid", "1 | 500000 | true", "2 | 500000 | false")),
        Paragraph("clauses: \n제1조 목적\n이 계약은 임대차를 정한다.\nArticle 2"),
        Paragraph("memo: null"),
    )


def test_records_are_paragraphs(read: Read) -> None:
    records = (
        Paragraph("question: 연차는 며칠인가?\nanswer.text: 15일\nanswer.sources: 1, 2"),
        Paragraph("question: Who signs?\nanswer.text: The head of the team.\ntags: hr"),
    )
    lines = make_jsonl().decode()
    assert read(lines) == records
    assert read("[" + lines.replace("\n", ",") + "]") == records


def test_similar_records_become_a_table(read: Read) -> None:
    table = Table(("name | team", "홍길동", "Kim | Dev"))
    assert read('{"name": "홍길동", "team": null}\r\n{"name": "Kim", "team": "Dev"}\r\n') == (table,)


def test_paths_lead_through_arrays(read: Read) -> None:
    assert read('{"a": [{"b": {"c": 1}}, [2, 3], {"b": []}], "d": "e"}') == (
        Paragraph("a[0].b.c: 1\na[1]: 2, 3"),
        Paragraph("d: e"),
    )


@pytest.mark.parametrize(
    "number", ["123456789012345678901234567890", "9" * 5000, "1.10", "1e999", "-0", "NaN", "-Infinity"]
)
def test_numbers_stay_as_they_are_written(read: Read, number: str) -> None:
    assert read(f'{{"n": {number}}}') == (Paragraph(f"n: {number}"),)


def test_duplicate_keys_all_count(read: Read) -> None:
    assert read('{"a": 1, "a": 2}') == (Paragraph("a: 1\na: 2"),)
    assert read('[{"a": 1, "a": 2}, {"a": 3}]') == (Paragraph("a: 1\na: 2"), Paragraph("a: 3"))


@pytest.mark.parametrize(("content", "text"), [('"하나\\n둘"', "하나\n둘"), ("3", "3"), ("[true, 1]", "true, 1")])
def test_values_without_keys(read: Read, content: str, text: str) -> None:
    assert read(content) == (Paragraph(text),)


@pytest.mark.parametrize("content", ["{}", "[]", '{"a": ""}', '{"a": {"b": [[]]}}'])
def test_empty_values_are_left_out(read: Read, content: str) -> None:
    assert read(content) == ()


@pytest.mark.parametrize(
    "value",
    [
        [{"a": "x" * 300}, {"a": "b"}],
        [{"a": "x\ny"}, {"a": "b"}],
        [{f"k{number}": 1} for number in range(40)],
        [{f"k{number}": 1 for number in range(100)}] * 2,
    ],
)
def test_records_that_make_no_table(read: Read, value: Any) -> None:
    assert all(isinstance(block, Paragraph) for block in read(json.dumps(value)))


@pytest.mark.parametrize(
    ("content", "where"),
    [('{"a": 1,\n "b" 2}', "line 2, column 6"), ('{"a": 1', "line 1, column 8"), ('{"a": 1}\nnot', "line 2, column 1")],
)
def test_invalid_json_is_corrupt_with_the_place_of_the_error(read: Read, content: str, where: str) -> None:
    with pytest.raises(BadDocument, match=where) as caught:
        read(content)
    assert caught.value.code == "corrupt"


@pytest.mark.parametrize("content", ["[" * 1_000_000, '{"a":' * 1_000_000, "[" * 1_000_000 + "]" * 1_000_000])
def test_unlimited_nesting_is_too_large(read: Read, content: str) -> None:
    with pytest.raises(BadDocument, match="flatter") as caught:
        read(content)
    assert caught.value.code == "too_large"


def test_deep_paths_are_shortened(read: Read) -> None:
    (block,) = read('{"key":' * 900 + "1" + "}" * 900)
    assert isinstance(block, Paragraph)
    assert block.text.startswith("…")
    assert len(block.text) < 250


def test_repeated_paths_do_not_become_gigabytes(read: Read) -> None:
    members = ",".join(f'"{number}":1' for number in range(300_000))
    with pytest.raises(BadDocument) as caught:
        read(f'{{"{"k" * 300}": {{{members}}}}}')
    assert caught.value.code == "too_large"


@pytest.mark.parametrize(
    "content",
    ["[" + "1," * 1_000_000 + "1]", '{"a":1}' * 200_000, '"' + "x" * 5_000_000 + '"', "[[]," * 300 + "1" + "]" * 300],
)
def test_large_json_takes_time_by_its_length(read: Read, content: str) -> None:
    assert read(content)
