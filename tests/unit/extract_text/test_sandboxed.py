"""Tests the order of readers and the code that the uploader gets."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from onggi.domain.document import ExtractedText
from onggi.domain.errors import BadDocument, ReadingTimeout
from readers.sandbox import Outcome, Sandbox, SandboxError
from readers.sandboxed import SandboxedReaders
from tests.files.pdf import make_scan

TEXT = ExtractedText("text", (0,), "en")


class ScriptedSandbox:
    """Detects a fixed family, and ends each attempt to read it as scripted."""

    def __init__(self, family: str, *ends: BadDocument | SandboxError | ExtractedText) -> None:
        self.family = family
        self.ends = list(ends)
        self.reads: list[dict[str, Any]] = []
        self.last = Outcome("done", 0.1, 1)

    def call(self, function: str, module: str | None = None, **arguments: Any) -> Any:
        if function == "detect":
            return self.family
        self.reads.append({"function": function, "module": module, **arguments})
        end = self.ends.pop(0)
        if isinstance(end, BadDocument | SandboxError):
            raise end
        return {"family": self.family, "text": asdict(end)} if function == "read_first" else asdict(end)


def read(sandbox: ScriptedSandbox, tmp_path: Path) -> ExtractedText:
    file = tmp_path / "content"
    file.write_bytes(b"content")
    return SandboxedReaders(sandbox).read(file, "name.PDF", {2: "recognised"})  # type: ignore[arg-type]  # a double


@pytest.mark.parametrize(
    "first",
    [
        SandboxError("crash"),
        SandboxError("timeout"),
        SandboxError("memory"),
        BadDocument("corrupt"),
        BadDocument("encrypted"),
    ],
)
def test_the_second_reader_is_tried_when_the_first_fails(first: BadDocument | SandboxError, tmp_path: Path) -> None:
    sandbox = ScriptedSandbox("pdf", first, TEXT)
    assert read(sandbox, tmp_path) == TEXT
    assert [call["module"] for call in sandbox.reads] == ["readers.pdf_pdfium", "readers.pdf_pypdf"]
    assert [call["function"] for call in sandbox.reads] == ["read_first", "read"]
    assert (sandbox.reads[1]["family"], sandbox.reads[1]["attempt"]) == ("pdf", 1)
    assert [call["recognised"] for call in sandbox.reads] == [{"2": "recognised"}] * 2


@pytest.mark.parametrize("code", ["too_large", "no_text", "unsupported_type"])
def test_an_error_of_the_file_itself_is_final(code: Any, tmp_path: Path) -> None:
    sandbox = ScriptedSandbox("pdf", BadDocument(code), TEXT)
    with pytest.raises(BadDocument, match=code):
        read(sandbox, tmp_path)
    assert len(sandbox.reads) == 1


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        ([BadDocument("encrypted"), BadDocument("corrupt")], "encrypted"),
        ([SandboxError("crash"), BadDocument("encrypted")], "encrypted"),
        ([SandboxError("timeout"), BadDocument("corrupt")], "corrupt"),
        ([SandboxError("timeout"), SandboxError("timeout")], "timeout"),
        ([SandboxError("crash"), SandboxError("memory")], "too_large"),
    ],
)
def test_when_all_readers_fail_encryption_wins_over_the_last_error(
    ends: Sequence[BadDocument | SandboxError], code: str, tmp_path: Path
) -> None:
    with pytest.raises(BadDocument) as caught:
        read(ScriptedSandbox("pdf", *ends), tmp_path)
    assert caught.value.code == code


def test_a_family_with_one_reader_is_tried_once(tmp_path: Path) -> None:
    sandbox = ScriptedSandbox("docx", BadDocument("corrupt"), TEXT)
    with pytest.raises(BadDocument, match="corrupt"):
        read(sandbox, tmp_path)
    assert len(sandbox.reads) == 1


@pytest.mark.parametrize(("how", "code"), [("crash", "corrupt"), ("timeout", "timeout"), ("memory", "too_large")])
def test_a_process_that_dies_raises_the_error_that_the_workflow_matches(how: Any, code: str, tmp_path: Path) -> None:
    """Step Functions and RecordFailure match the name of the class, so that a subclass would not match."""
    with pytest.raises(BadDocument) as caught:
        read(ScriptedSandbox("docx", SandboxError(how)), tmp_path)
    assert (type(caught.value).__name__, caught.value.code) == ("BadDocument", code)


def test_a_page_that_ends_its_process_raises_the_same_error(tmp_path: Path) -> None:
    readers = SandboxedReaders(ScriptedSandbox("pdf", SandboxError("timeout")))  # type: ignore[arg-type]  # a double
    with pytest.raises(BadDocument) as caught:
        readers.page_image(tmp_path / "content", 1)
    assert (type(caught.value).__name__, caught.value.code) == ("BadDocument", "timeout")


def test_an_empty_file_is_refused_before_reading(tmp_path: Path) -> None:
    file = tmp_path / "empty"
    file.touch()
    with pytest.raises(BadDocument, match="empty"):
        SandboxedReaders(ScriptedSandbox("pdf")).read(file, "a.pdf", {})  # type: ignore[arg-type]  # a double


def test_a_scanned_page_is_drawn_and_takes_the_text_that_was_recognised(tmp_path: Path) -> None:
    file = tmp_path / "scan.pdf"
    file.write_bytes(make_scan(["첫 쪽", None]))
    sandbox = Sandbox()
    readers = SandboxedReaders(sandbox)
    assert readers.read(file, "scan.pdf", {}).needs_ocr == (2,)
    assert readers.page_image(file, 2).startswith(b"\x89PNG")
    recognised = readers.read(file, "scan.pdf", {2: "제2조 (목적)"})
    assert (recognised.needs_ocr, recognised.text) == ((), "첫 쪽\n\n제2조 (목적)")
    with pytest.raises(BadDocument):
        readers.page_image(file, 3)
    sandbox.close()


WAITED = SandboxError("timeout", waited=True)


def test_a_reader_that_only_waited_raises_a_timeout_to_retry(tmp_path: Path) -> None:
    for family, ends in (("pdf", [WAITED, WAITED]), ("pdf", [SandboxError("crash"), WAITED]), ("docx", [WAITED])):
        with pytest.raises(ReadingTimeout):
            read(ScriptedSandbox(family, *ends), tmp_path)
    assert read(ScriptedSandbox("pdf", WAITED, TEXT), tmp_path) == TEXT, "the second reader is tried first"
    with pytest.raises(ReadingTimeout):
        SandboxedReaders(ScriptedSandbox("pdf", WAITED)).page_image(tmp_path / "content", 1)  # type: ignore[arg-type]  # a double
