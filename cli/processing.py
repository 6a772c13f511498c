"""The progress of a document that is being processed, and the estimated time left."""

from dataclasses import dataclass
from typing import Self

from cli.api import JsonObject

MIN_CHUNKS = 8  # fewer embedded chunks give no useful estimate
MINUTE = 60
HOUR = 3600


@dataclass(frozen=True)
class ProcessingProgress:
    """The progress that the API reports of a version in processing.

    Attributes:
        pages: Number of pages; None until the text is extracted.
        chunks: Number of chunks; None until the text is split.
        embedded: Number of chunks that are embedded.
    """

    pages: int | None
    chunks: int | None
    embedded: int

    @classmethod
    def of(cls, document: JsonObject) -> Self | None:
        """Returns the progress of a document, or None if it is not being processed."""
        progress = document.get("progress")
        if document["status"] != "processing" or not progress:
            return None
        return cls(progress.get("pages"), progress.get("chunks"), progress.get("embedded_chunks") or 0)

    @property
    def percent(self) -> int | None:
        """The percentage of embedded chunks, rounded down; None until the text is split."""
        return 100 * self.embedded // self.chunks if self.chunks else None

    @property
    def text(self) -> str:
        """A short description."""
        if self.pages is None:
            return "reading the file"
        pages = counted(self.pages, "page")
        return f"{pages}, {self.chunks_text} chunks" if self.chunks else f"{pages}, splitting the text"

    @property
    def chunks_text(self) -> str:
        """The numbers of embedded and of all chunks; a dash until the text is split."""
        return f"{self.embedded:,}/{self.chunks:,}" if self.chunks else "–"


class TimeEstimate:
    """Estimates the time left by the rate since the first observation."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def remaining_seconds(self, progress: ProcessingProgress, now: float) -> float | None:
        """Returns the seconds until all chunks are embedded, or None before there is an estimate.

        Args:
            progress: The present progress.
            now: Seconds of a monotonic clock.
        """
        if progress.chunks is None:
            return None
        if self._first is None:
            self._first = (now, progress.embedded)
        started, embedded = self._first
        if progress.embedded - embedded < MIN_CHUNKS:
            return None
        return (now - started) / (progress.embedded - embedded) * (progress.chunks - progress.embedded)


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun in singular or plural."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def remaining_text(seconds: float | None) -> str:
    """Returns the time left, rounded as an estimate should be; an empty string if it is not known."""
    if seconds is None:
        return ""
    if seconds < MINUTE:
        return f"{max(5, round(seconds / 5) * 5)} s left"
    minutes = round(seconds / MINUTE)
    if minutes < HOUR // MINUTE:
        return f"{minutes} min left"
    return f"{minutes // 60} h {minutes % 60} min left"
