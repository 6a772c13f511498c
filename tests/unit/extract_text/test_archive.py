import io
import random
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from onggi.domain.errors import BadDocument
from readers import archive as module
from readers.archive import Archive, parse_xml
from tests.files.office_package import make_zip

Write = Callable[[bytes], Path]

LOCAL_HEADER, CENTRAL_HEADER = b"PK\x03\x04", b"PK\x01\x02"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: bytes) -> Path:
        file = tmp_path / "content"
        file.write_bytes(content)
        return file

    return write


def code_of(file: Path, act: Callable[[Archive], object]) -> str:
    with pytest.raises(BadDocument) as caught, Archive(file) as archive:
        act(archive)
    return caught.value.code


def noise(length: int) -> bytes:
    return random.Random(1).randbytes(length)  # noqa: S311 - nothing is secret here


def with_field(content: bytes, offset: int, value: int, layout: str = "<H") -> bytes:
    """Returns a zip of one entry with a field changed in both headers; the offset is that in the local header."""
    changed = bytearray(content)
    struct.pack_into(layout, changed, content.index(LOCAL_HEADER) + offset, value)
    struct.pack_into(layout, changed, content.index(CENTRAL_HEADER) + offset + 2, value)
    return bytes(changed)


FLAGS, METHOD, SIZE = 6, 8, 22


def test_entries_are_read_by_their_names(write: Write) -> None:
    with Archive(write(make_zip({"word/document.xml": "글", "폴더/파일.xml": "b", "folder/": ""}))) as archive:
        assert archive.names == ("word/document.xml", "폴더/파일.xml")
        assert archive.read("word/document.xml").decode() == "글"
        assert archive.get("WORD/Document.XML") == archive.read("word/document.xml")
        assert archive.get("word/other.xml") is None
        archive.check()


def test_a_missing_required_entry_is_corrupt(write: Write) -> None:
    assert code_of(write(make_zip({"a": "b"})), lambda archive: archive.read("c")) == "corrupt"
    assert code_of(write(make_zip({"a": "b"})), lambda archive: archive.steps("c")) == "corrupt"


def test_names_that_differ_by_case_alone_stay_apart(write: Write) -> None:
    with Archive(write(make_zip({"a.xml": "1", "A.xml": "2"}))) as archive:
        assert (archive.read("a.xml"), archive.read("A.xml")) == (b"1", b"2")


def test_names_that_point_outside_do_not_exist(write: Write) -> None:
    with Archive(write(make_zip({"../a": "1", "b/../../c": "2", "/d/e": "3", "f\\g": "4"}))) as archive:
        assert archive.names == ("d/e", "f/g")
        assert archive.read("f/g") == b"4"


def test_the_last_entry_of_a_name_counts(write: Write) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as zipped:
        zipped.writestr("a", "1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            zipped.writestr("a", "2")
    with Archive(write(target.getvalue())) as archive:
        assert archive.names == ("a",)
        assert archive.read("a") == b"2"


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_korean_names_without_a_flag(write: Write, encoding: str) -> None:
    name = "본문.xml".encode(encoding)
    content = make_zip({"x" * len(name): "글"}).replace(b"x" * len(name), name)
    with Archive(write(content)) as archive:
        assert archive.names == ("본문.xml",)


def test_encrypted_entries(write: Write) -> None:
    file = write(with_field(make_zip({"a": "b"}), FLAGS, 1))
    assert code_of(file, lambda archive: archive.read("a")) == "encrypted"
    assert code_of(file, Archive.check) == "encrypted"


@pytest.mark.parametrize("method", [1, 9, 12, 14, 93, 99])
def test_other_ways_of_compression_are_refused(write: Write, method: int) -> None:
    assert code_of(write(with_field(make_zip({"a": "b" * 99}), METHOD, method)), Archive.check) == "corrupt"


@pytest.mark.parametrize("size", [0, 1, 999])
def test_an_entry_that_is_longer_than_stated_is_corrupt(write: Write, size: int) -> None:
    file = write(with_field(make_zip({"a": "b" * 1000}), SIZE, size, "<I"))
    assert code_of(file, lambda archive: archive.read("a")) == "corrupt"


def test_inflated_bytes_are_counted_and_not_stated_sizes(write: Write) -> None:
    with Archive(write(with_field(make_zip({"a": "b" * 1000}), SIZE, 2**32 - 2, "<I"))) as archive:
        assert len(archive.read("a")) == 1000


@pytest.mark.parametrize("content", [b"", b"PK", b"PK\x05\x06", b"plain text", CENTRAL_HEADER * 9, noise(4000)])
def test_a_file_that_is_no_zip_is_corrupt(write: Write, content: bytes) -> None:
    assert code_of(write(content), Archive.check) == "corrupt"


def test_too_many_entries(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENTRIES", 3)
    Archive(write(make_zip({str(number): "" for number in range(3)}))).check()
    assert code_of(write(make_zip({str(number): "" for number in range(4)})), lambda _: None) == "too_large"


def test_too_many_bytes_in_total(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_INFLATED_BYTES", 3000)
    three = {str(number): noise(1000) for number in range(3)}
    with Archive(write(make_zip(three))) as archive:
        archive.check()
        archive.check()
        assert [len(archive.read(name)) for name in archive.names] == [1000] * 3
    file = write(make_zip(three | {"3": b"x"}))
    assert code_of(file, Archive.check) == "too_large"
    assert code_of(file, lambda archive: [archive.read(name) for name in archive.names]) == "too_large"


def test_too_many_bytes_at_once(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_PART_BYTES", 1000)
    file = write(make_zip({"a": noise(1000), "b": noise(1001)}))
    with Archive(file) as archive:
        assert len(archive.read("a")) == 1000
        assert sum(map(len, archive.steps("b"))) == 1001
    assert code_of(file, lambda archive: archive.read("b")) == "too_large"


def test_too_high_a_ratio(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(make_zip({"a": b"\0" * 1_000_000}))
    Archive(file).check()
    monkeypatch.setattr(module, "RATIO_GRACE_BYTES", 999_999)
    assert code_of(file, Archive.check) == "too_large"
    Archive(write(make_zip({"a": b"\0" * 1_000_000, "b": noise(10_000)}))).check()


def test_damage_of_any_kind_is_corrupt(write: Write) -> None:
    chance = random.Random(7)  # noqa: S311 - the same damages each time
    content = make_zip({"a/b.xml": "글 " * 300, "c": noise(300)})
    for _ in range(1500):
        mutant = bytearray(content)
        for _ in range(chance.choice((1, 3, 9))):
            mutant[chance.randrange(len(mutant))] = chance.randrange(256)
        del mutant[chance.choice((len(mutant), chance.randrange(len(mutant)))) :]
        with suppress(BadDocument), Archive(write(bytes(mutant))) as archive:
            archive.check()


def test_a_missing_file_is_no_fault_of_the_document(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Archive(tmp_path / "missing")


def test_xml_is_parsed_without_comments_and_external_entities(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("geheim", encoding="utf-8")
    root = parse_xml(
        f'<!DOCTYPE a [<!ENTITY e SYSTEM "{secret.as_uri()}"><!ENTITY i "inside">]>'
        "<a><!-- c --><?p i?><b>글&e;&i;</b></a>".encode()
    )
    assert [element.tag for element in root] == ["b"]
    assert root.findtext("b") == "글"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a>",
        b"<a/><b/>",
        b"\0\1",
        b'<!DOCTYPE a [<!ENTITY a "x"><!ENTITY b "&a;&a;">]><a b="&c;"/>',
        b"<a>" * 257 + b"</a>" * 257,
        b"<a>" + b"x" * 10_000_001 + b"</a>",
    ],
)
def test_xml_that_is_malformed_or_out_of_bounds_is_corrupt(content: bytes) -> None:
    with pytest.raises(BadDocument, match="corrupt"):
        parse_xml(content)
