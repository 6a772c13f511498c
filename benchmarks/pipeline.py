"""The pipeline from a file to chunks, as in the workflow: readers in the sandbox, then the splitter.

`PYTHONPATH` must contain `layers/core`, `functions/extract_text` and `functions/chunk_text`.
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
class PipelineResult:
    """The outcome of one document.

    Attributes:
        family: The detected format family, or None.
        error: A `BadDocument` if the document is at fault, any other exception if it is not, None if it was read.
        extracted: The text, or None if the document was not read.
        seconds: Wall clock from the file to the last chunk.
        cpu_seconds: CPU time of this process and of the readers' processes.
        reads: The outcome of each attempt to read.
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
        """The peak resident memory of all attempts to read."""
        return max((outcome.peak_bytes for outcome in self.reads), default=0)


class Pipeline:
    """Turns documents into chunks, one after another, without writing logs.

    Args:
        limits: The limits of each call of the sandbox.
    """

    def __init__(self, limits: Limits | None = None) -> None:
        logger.setLevel(logging.CRITICAL)
        self._sandbox = _RecordingSandbox(limits)
        self._readers = SandboxedReaders(self._sandbox)
        self._splitter = RecursiveSplitter()

    def run(self, file: Path, name: str) -> PipelineResult:
        """Returns the outcome of a file; its folder must be writable."""
        result = self._sandbox.result = PipelineResult()
        began, began_cpu = time.perf_counter(), time.process_time()
        try:
            result.extracted = self._readers.read(file, name, {})
            result.chunks = chunks_of(result.extracted, self._splitter)
            if not result.chunks:
                raise BadDocument("no_text")
        except Exception as error:  # the caller checks for exceptions that no document should raise
            result.error = error
        result.seconds = time.perf_counter() - began
        result.cpu_seconds += time.process_time() - began_cpu
        if result.family is None:  # the first reader has rejected the file
            with suppress(BadDocument):
                self._sandbox.call("detect", file=file, name=name)
        return result

    def close(self) -> None:
        """Stops the process that forks the readers."""
        self._sandbox.close()


class _RecordingSandbox(Sandbox):
    """Records the outcomes of its calls.

    Attributes:
        result: The record of the present document.
    """

    def __init__(self, limits: Limits | None) -> None:
        super().__init__(limits)
        self.result = PipelineResult()

    def call(self, function: str, module: str | None = None, **arguments: Any) -> Any:  # noqa: ANN401 - JSON
        try:
            response = super().call(function, module, **arguments)
        finally:
            self.result.cpu_seconds += self.last.cpu_seconds
            if function != "detect":
                self.result.reads.append(self.last)
        if function == "read_first":
            self.result.family = response["family"]
        if function == "detect":
            self.result.family = response
        return response
