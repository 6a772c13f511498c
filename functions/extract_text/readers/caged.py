"""The readers as the workflow's step uses them: every family, in the cage, with a second reader where there is one."""

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from onggi.domain.document import ExtractedText
from onggi.domain.errors import BadDocument, BadDocumentCode, ReadingTimeout
from onggi.entry.logging import logger
from readers.cage import Cage, CageError, How
from readers.families import Family, attempts, likely_module, module_of

WORTH_ANOTHER_READER: Final = frozenset({"corrupt", "encrypted"})
"""What one reader says of files that another one may read: pypdf opens some that pdfium does not."""
CODES: Final[Mapping[How, BadDocumentCode]] = {"crash": "corrupt", "timeout": "timeout", "memory": "too_large"}
"""What the uploader is told of a file that ended its process."""


class CagedReaders:
    """Reads files of all families in child processes (a `TextReader`)."""

    def __init__(self, cage: Cage) -> None:
        self._cage = cage

    def read(self, file: Path, name: str, recognised: Mapping[int, str]) -> ExtractedText:
        """The normalised text of a file; it is empty where no page has any.

        Raises:
            BadDocument: when the file cannot be read.
            ReadingTimeout: when the time ran out while a reader waited for the processor; a retry may succeed.
            OSError: when there is no such file, which is no fault of the document.
        """
        if file.stat().st_size == 0:
            raise BadDocument("empty")
        with _waiting_is_no_verdict():
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
        """A picture of a page (from 1) of a PDF, as PNG.

        Raises:
            BadDocument: when it cannot be drawn.
            ReadingTimeout: when the time ran out while it waited for the processor.
        """
        with _waiting_is_no_verdict():
            return base64.b64decode(self._call("page_image", "readers.raster", file=file, page=page))

    def _read_first(self, file: Path, name: str, recognised: Mapping[int, str]) -> ExtractedText:
        """Finds out the family and reads the file in the same process: most files need no more."""
        module = likely_module(name)
        answer = self._call("read_first", module, file=file, name=name, recognised=_as_json(recognised))
        self._log("read", family=answer["family"])
        return ExtractedText.from_dict(answer["text"])

    def _read(self, file: Path, family: Family, attempt: int, recognised: Mapping[int, str]) -> ExtractedText:
        module = module_of(family, attempt)
        arguments = {"family": family, "attempt": attempt, "recognised": _as_json(recognised)}
        extracted = ExtractedText.from_dict(self._call("read", module, file=file, **arguments))
        self._log("read by another reader", family=family)
        return extracted

    def _call(self, function: str, module: str | None = None, *, file: Path, **arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Calls into the cage; a task that ended its process is a `BadDocument` like any other to the workflow."""
        try:
            return self._cage.call(function, module, file=file, **arguments)
        except CageError as error:
            raise BadDocument(CODES[error.how]) from error

    def _log(self, message: str, **more: object) -> None:
        """What an operator may know: no word of the document."""
        logger.info(message, extra={**asdict(self._cage.last), **more})


@contextmanager
def _waiting_is_no_verdict() -> Iterator[None]:
    """Turns the verdict on a file whose reader only waited into an error that the workflow retries."""
    try:
        yield
    except BadDocument as bad:
        if isinstance(bad.__cause__, CageError) and bad.__cause__.waited:
            raise ReadingTimeout("The reader waited too long for the processor; try again.") from bad
        raise


def _is_worth_another_reader(bad: BadDocument) -> bool:
    return isinstance(bad.__cause__, CageError) or bad.code in WORTH_ANOTHER_READER


def _as_json(recognised: Mapping[int, str]) -> dict[str, str]:
    return {str(page): text for page, text in recognised.items()}
