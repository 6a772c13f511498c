"""The readers as the workflow uses them: all families, in the sandbox, with a second reader where there is one."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from onggi.domain.document import ExtractedText
from onggi.domain.errors import BadDocument, BadDocumentCode, ReadingTimeout
from onggi.entry.logging import logger
from readers.families import Family, attempts, likely_module, module_of
from readers.sandbox import How, Sandbox, SandboxError

WORTH_ANOTHER_READER: Final = frozenset({"corrupt", "encrypted"})
"""Codes of one reader for files that another one may read: pypdf opens some that pdfium does not."""
CODES: Final[Mapping[How, BadDocumentCode]] = {"crash": "corrupt", "timeout": "timeout", "memory": "too_large"}
"""The code that a document gets when its reader did not end by itself."""


class SandboxedReaders:
    """Reads files of all families in child processes (a `TextReader`)."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def read(self, file: Path, name: str, recognised: Mapping[int, str]) -> ExtractedText:
        """Returns the normalised text of a file, empty when no page has text.

        Raises:
            BadDocument: the file cannot be read.
            ReadingTimeout: the time ran out while a reader waited for the processor; a retry may succeed.
            OSError: there is no such file, which is no fault of the document.
        """
        if file.stat().st_size == 0:
            raise BadDocument("empty")
        with _raise_when_waited():
            return self._read_by_any(file, name, recognised)

    def _read_by_any(self, file: Path, name: str, recognised: Mapping[int, str]) -> ExtractedText:
        try:
            return self._read_first(file, name, recognised)
        except BadDocument as bad:
            self._log("reader failed", code=bad.code, cause=getattr(bad, "__notes__", []))
            if not _is_worth_another_reader(bad):
                raise
            failure = bad
        family: Family = self._call("detect", file=file, name=name)
        for attempt in range(1, attempts(family)):
            try:
                return self._read(file, family, attempt, recognised)
            except BadDocument as bad:
                self._log("reader failed", family=family, code=bad.code, cause=getattr(bad, "__notes__", []))
                if not _is_worth_another_reader(bad):
                    raise
                failure = failure if failure.code == "encrypted" else bad
        raise failure

    def page_image(self, file: Path, page: int) -> bytes:
        """Returns an image of a page (from 1) of a PDF, as PNG.

        Raises:
            BadDocument: the page cannot be drawn.
            ReadingTimeout: the time ran out while the task waited for the processor.
        """
        with _raise_when_waited():
            return base64.b64decode(self._call("page_image", "readers.raster", file=file, page=page))

    def _read_first(self, file: Path, name: str, recognised: Mapping[int, str]) -> ExtractedText:
        """Detects the family and reads the file in the same process, which is enough for most files."""
        module = likely_module(name)
        result = self._call("read_first", module, file=file, name=name, recognised=_as_json(recognised))
        self._log("read", family=result["family"])
        return ExtractedText.from_dict(result["text"])

    def _read(self, file: Path, family: Family, attempt: int, recognised: Mapping[int, str]) -> ExtractedText:
        module = module_of(family, attempt)
        arguments = {"family": family, "attempt": attempt, "recognised": _as_json(recognised)}
        extracted = ExtractedText.from_dict(self._call("read", module, file=file, **arguments))
        self._log("read by another reader", family=family)
        return extracted

    def _call(self, function: str, module: str | None = None, *, file: Path, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Calls a task in the sandbox; raises `BadDocument` also when the task did not end by itself."""
        try:
            return self._sandbox.call(function, module, file=file, **arguments)
        except SandboxError as error:
            raise BadDocument(CODES[error.how]) from error

    def _log(self, message: str, **more: object) -> None:
        """Logs a line without any text of the document."""
        logger.info(message, extra={**asdict(self._sandbox.last), **more})


@contextmanager
def _raise_when_waited() -> Iterator[None]:
    """Raises `ReadingTimeout`, which the workflow retries, for a file whose reader only waited for the processor."""
    try:
        yield
    except BadDocument as bad:
        if isinstance(bad.__cause__, SandboxError) and bad.__cause__.waited:
            raise ReadingTimeout("The reader waited too long for the processor; try again.") from bad
        raise


def _is_worth_another_reader(bad: BadDocument) -> bool:
    return isinstance(bad.__cause__, SandboxError) or bad.code in WORTH_ANOTHER_READER


def _as_json(recognised: Mapping[int, str]) -> dict[str, str]:
    return {str(page): text for page, text in recognised.items()}
