from collections.abc import Callable
from pathlib import Path

import pytest

from readers.csv_table import read_csv
from readers.model import Table
from tests.files.text import make_csv, make_table

Read = Callable[[bytes], Table]

ROWS = [["이름", "부서", "연차"], ["홍길동", "법무, Legal", "15"], ["김철수", "개발\n2팀", ""]]
LINES = ("이름 | 부서 | 연차", "홍길동 | 법무, Legal | 15", "김철수 | 개발 2팀")


@pytest.fixture
def read(tmp_path: Path) -> Read:
    def read_content(content: bytes) -> Table:
        file = tmp_path / "content"
        file.write_bytes(content)
        (page,) = read_csv(file).pages
        (table,) = page.blocks
        assert isinstance(table, Table)
        return table

    return read_content


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_encodings_are_found(read: Read, encoding: str, delimiter: str) -> None:
    assert read(make_table(ROWS, encoding, delimiter)) == Table(LINES)


def test_the_sample(read: Read) -> None:
    assert read(make_csv()).lines[2] == "Kim, Chulsoo | 개발 Dev | 12"


def test_the_delimiter_that_a_sheet_program_states(read: Read) -> None:
    assert read(b"sep=;\r\na,1;b,2;c\r\nd;e;f").lines == ("a,1 | b,2 | c", "d | e | f")


def test_commas_in_the_text_of_another_delimiter(read: Read) -> None:
    assert read("이름\t메모\n홍길동\t하나, 둘, 셋\n김철수\t하나\n".encode()).lines[1] == "홍길동 | 하나, 둘, 셋"


def test_a_single_column(read: Read) -> None:
    assert read("이름\n홍길동\n김철수\n".encode()) == Table(("이름", "홍길동", "김철수"))


@pytest.mark.parametrize(
    ("content", "header_lines"),
    [
        ("구분,2023,2024\n매출,1,2\n", 1),
        ("year,count\n2023,5\n", 1),
        ("2023,5\n2024,6\n", 0),
        ("홍길동,2023-01-05\n김철수,2024-01-05\n", 0),
        ('매출,"1,200"\n이익,300\n', 0),
        ("a,a\nb,c\n", 0),
        ("김,2023\n이,2024\n", 0),
        ("사원 현황,,\n(단위: 명),,\n부서,2023,2024\n법무,1,2\n개발,3,4\n총무,5,6", 3),
        ("\n,,\n이름,나이\n홍,20\n", 1),
        ("이름,나이\n", 0),
    ],
)
def test_the_row_that_names_the_columns(read: Read, content: str, header_lines: int) -> None:
    assert read(content.encode()).header_lines == header_lines


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        ('a,b\n"open,1\nc,2\n', ("a | b", '"open | 1', "c | 2")),
        ('size,n\n5" pipe,1\n', ("size | n", '5" pipe | 1')),
        ('a,b\n"x" y,"1\n2"\n', ("a | b", "x y | 1 2")),
        ('a,b\n"say ""hi""",1\n', ("a | b", 'say "hi" | 1')),
        ("a,b\r1,2\r", ("a | b", "1 | 2")),
    ],
)
def test_quotes_as_people_write_them(read: Read, content: str, lines: tuple[str, ...]) -> None:
    assert read(content.encode()).lines == lines


def test_a_long_cell_is_kept(read: Read) -> None:
    assert read(f'a,b\n"{"긴 글 " * 60_000}",2\n'.encode()).lines[1].endswith("긴 글 | 2")


@pytest.mark.parametrize(
    "content",
    [
        '"' + "a,b\n" * 500_000,
        "x" * 5_000_000,
        "," * 3_000_000,
        'a,"' * 1_000_000,
        "\n" * 3_000_000 + "a,b",
        ";,\t|" * 500_000,
    ],
)
def test_hostile_tables_take_time_by_their_length(tmp_path: Path, content: str) -> None:
    file = tmp_path / "content"
    file.write_bytes(content.encode())
    assert len(read_csv(file).pages) == 1
