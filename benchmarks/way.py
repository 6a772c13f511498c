"""A document's way from bytes to chunks, as the workflow goes it: readers in the sandbox, then the splitter.

It needs `layers/core`, `functions/extract_text` and `functions/chunk_text` on the path (`PYTHONPATH`).
"""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onggi.domain.chunk import Chunk
from onggi.domain.document import ExtractedText
from onggi.domain.errors import BadDocument
from onggi.entry.logging import logger
from onggi.steps.ingestion.chunk_text import chunks_of
from readers.sandbox import Limits, Outcome, Sandbox
from readers.sandboxed import SandboxedReaders
from splitter import RecursiveSplitter


@dataclass(slots=True)
class Trip:
    """What became of one document.

    Attributes:
        family: as detected; None where it was not.
        error: a `BadDocument` where the document was at fault, what else was raised where it was not; None where it
            was read.
        extracted: its text; None where it was not read.
        seconds: of wall clock, from the file to the last chunk.
        cpu_seconds: of this process and of those that have read.
        reads: how each attempt at reading has ended.
    """

    family: str | None = None
    error: Exception | None = None
    extracted: ExtractedText | None = None
    chunks: list[Chunk] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    reads: list[Outcome] = field(default_factory=list)

    @property
    def peak_bytes(self) -> int:
        """The most resident memory that an attempt at reading has had."""
        return max((ended.peak_bytes for ended in self.reads), default=0)


class Way:
    """Takes documents from bytes to chunks, one after another; what operators read in logs is not written.

    Args:
        limits: of each call of the sandbox.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        logger.setLevel(logging.CRITICAL)
        self._sandbox = _WatchedSandbox(limits)
        self._readers = SandboxedReaders(self._sandbox)
        self._splitter = RecursiveSplitter()

    def go(self, file: Path, name: str) -> Trip:
        """What becomes of a file; its folder must take further files for a moment."""
        trip = self._sandbox.trip = Trip()
        began, began_cpu = time.perf_counter(), time.process_time()
        try:
            trip.extracted = self._readers.read(file, name, {})
            trip.chunks = chunks_of(trip.extracted, self._splitter)
            if not trip.chunks:
                raise BadDocument("no_text")
        except Exception as error:  # to find those that no document should be able to raise is a purpose of this
            trip.error = error
        trip.seconds = time.perf_counter() - began
        trip.cpu_seconds += time.process_time() - began_cpu
        if trip.family is None:  # a file whose first reader has refused it for good
            with suppress(BadDocument):
                self._sandbox.call("detect", file=file, name=name)
        return trip

    def close(self) -> None:
        """Ends the process that forks for the readers."""
        self._sandbox.close()


class _WatchedSandbox(Sandbox):
    """Writes down how its calls end.

    Attributes:
        trip: where to.
    """

    def __init__(self, limits: Limits | None) -> None:
        super().__init__(limits)
        self.trip = Trip()

    def call(self, function: str, module: str | None = None, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        try:
            answer = super().call(function, module, **arguments)
        finally:
            self.trip.cpu_seconds += self.last.cpu_seconds
            if function != "detect":
                self.trip.reads.append(self.last)
        if function == "read_first":
            self.trip.family = answer["family"]
        if function == "detect":
            self.trip.family = answer
        return answer
