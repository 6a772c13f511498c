"""How far the processing of a document is."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a version that is being processed is; for show alone, nothing is decided by it.

    Attributes:
        pages: of its text; None until the text was extracted.
        chunks: of its text; None until it was cut.
        embedded_chunks: those that have a vector, from the version before or from the model.
    """

    pages: int | None = None
    chunks: int | None = None
    embedded_chunks: int = 0

    def to_json(self) -> dict[str, Any]:
        """The progress as the HTTP API shows it."""
        return asdict(self)
