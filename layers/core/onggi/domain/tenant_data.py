"""How far work on all data of one tenant has come: counting, exporting, copying."""

from dataclasses import dataclass, field, replace
from typing import Final

Counts = dict[str, int]
"""How much there is of each kind of thing."""
COUNT_STAGES: Final = ("unfinished", "counts")


@dataclass(frozen=True, slots=True)
class CountProgress:
    """How far looking for documents under way, and then counting, has come; a JSON-ready part of the workflow's state.

    Attributes:
        more: whether it is not over.
        cursor: what the next page of the stage comes after.
        counts: what was counted so far.
    """

    more: bool = True
    stage: str = COUNT_STAGES[0]
    cursor: str | None = None
    counts: Counts = field(default_factory=dict)


EXPORT_STAGES: Final = ("uploads", "texts", "vectors", "rows")


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """How far an export has come; a JSON-ready part of the workflow's state.

    Attributes:
        more: whether anything is left to export; from the beginning nothing is where no export was asked for.
        token: where the next page of the stage begins.
        part: the number of the next page of the stage.
        objects: how many were written.
    """

    more: bool
    stage: str = EXPORT_STAGES[0]
    token: str | None = None
    part: int = 0
    objects: int = 0

    def after(self, token: str | None, objects: int) -> "ExportProgress":
        """The progress after a page: on within the stage where there is a token, else in the next stage."""
        done = self.objects + objects
        if token is not None:
            return replace(self, token=token, part=self.part + 1, objects=done)
        following = EXPORT_STAGES.index(self.stage) + 1
        if following == len(EXPORT_STAGES):
            return ExportProgress(more=False, stage=self.stage, objects=done)
        return ExportProgress(more=True, stage=EXPORT_STAGES[following], objects=done)


COPY_STAGES: Final = ("uploads", "artifacts", "vectors")


@dataclass(frozen=True, slots=True)
class CopyProgress:
    """How far the copy of a tenant's data has come; a JSON-ready part of the workflow's state.

    Attributes:
        more: whether anything is left to copy.
        after: what the next page of the stage comes after.
    """

    more: bool = True
    stage: str = COPY_STAGES[0]
    after: str | None = None

    def on(self, after: str | None) -> "CopyProgress":
        """The progress after a page: on within the stage where something follows, else in the next stage."""
        if after is not None:
            return replace(self, after=after)
        following = COPY_STAGES.index(self.stage) + 1
        if following == len(COPY_STAGES):
            return CopyProgress(more=False, stage=self.stage)
        return CopyProgress(stage=COPY_STAGES[following])
