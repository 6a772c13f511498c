"""How far a document is while it is processed, and how long the rest may take."""

from dataclasses import dataclass
from typing import Self

from cli.api import JsonObject

LEAST_CHUNKS = 8  # before so many are embedded, a pace is a guess
MINUTE = 60
HOUR = 3600


@dataclass(frozen=True)
class HowFar:
    """What the API tells of a version that is being processed.

    Attributes:
        pages: None until the text was extracted.
        chunks: None until the text was cut.
        embedded: chunks that are embedded.
    """

    pages: int | None
    chunks: int | None
    embedded: int

    @classmethod
    def of(cls, document: JsonObject) -> Self | None:
        """Reads a document; None where it is not being processed."""
        progress = document.get("progress")
        if document["status"] != "processing" or not progress:
            return None
        return cls(progress.get("pages"), progress.get("chunks"), progress.get("embedded_chunks") or 0)

    @property
    def percent(self) -> int | None:
        """How many of a hundred chunks are embedded, rounded down; None until the text was cut."""
        return 100 * self.embedded // self.chunks if self.chunks else None

    @property
    def text(self) -> str:
        """What is happening, in a few words."""
        if self.pages is None:
            return "reading the file"
        pages = counted(self.pages, "page")
        return f"{pages}, {self.chunks_text} chunks" if self.chunks else f"{pages}, cutting the text"

    @property
    def chunks_text(self) -> str:
        """How many of how many chunks are embedded; a dash until the text was cut."""
        return f"{self.embedded:,}/{self.chunks:,}" if self.chunks else "–"


class Pace:
    """Tells how long the rest takes at the pace since the first look."""

    def __init__(self) -> None:
        self._began: tuple[float, int] | None = None

    def seconds_left(self, how_far: HowFar, now: float) -> float | None:
        """Returns the seconds until all chunks are embedded; None as long as there is no pace.

        Args:
            how_far: what is seen now.
            now: seconds on a clock that only goes forward.
        """
        if how_far.chunks is None:
            return None
        if self._began is None:
            self._began = (now, how_far.embedded)
        began, embedded = self._began
        if how_far.embedded - embedded < LEAST_CHUNKS:
            return None
        return (now - began) / (how_far.embedded - embedded) * (how_far.chunks - how_far.embedded)


def counted(number: int, thing: str) -> str:
    """Returns a number of things, its thousands apart."""
    return f"{number:,} {thing}" if number == 1 else f"{number:,} {thing}s"


def left_text(seconds: float | None) -> str:
    """Returns how long something still takes, no more exact than an estimate is; empty where that is not known."""
    if seconds is None:
        return ""
    if seconds < MINUTE:
        return f"{max(5, round(seconds / 5) * 5)} s left"
    minutes = round(seconds / MINUTE)
    if minutes < HOUR // MINUTE:
        return f"{minutes} min left"
    return f"{minutes // 60} h {minutes % 60} min left"
