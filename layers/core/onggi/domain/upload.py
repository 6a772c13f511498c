"""S3's events about uploads and deletions."""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal, Self

from onggi.domain.document import comparable_sequencer, sequencer_after_moves
from onggi.domain.errors import InvalidRequest
from onggi.domain.tenant import Placement

CREATED: Final = "Object Created"
DELETED: Final = "Object Deleted"


@dataclass(frozen=True, slots=True)
class ObjectEvent:
    """An event of one key, as EventBridge delivers it.

    Attributes:
        kind: `created`; `deleted` by a delete marker; `version_removed` when one version was deleted for good.
        version: the version the event speaks of; None where the event names none.
        sequencer: comparable; orders the events of one key.
        time: when it happened, ISO 8601.
    """

    kind: Literal["created", "deleted", "version_removed"]
    bucket: str
    key: str
    version: str | None
    sequencer: str
    size: int
    time: str

    def at(self, placement: Placement) -> Self:
        """The event among those of all places that its tenant has had; this one came from the given place."""
        return replace(self, sequencer=sequencer_after_moves(self.sequencer, placement.generation))

    @classmethod
    def from_eventbridge(cls, event: dict[str, Any]) -> Self:
        """Reads `Object Created` and `Object Deleted` (S3 user guide, EventBridge event structure).

        Raises:
            InvalidRequest: when it is another event or lacks what every such event has.
        """
        try:
            detail = event["detail"]
            if event["detail-type"] == CREATED:
                kind: Literal["created", "deleted", "version_removed"] = "created"
            elif event["detail-type"] == DELETED:
                kind = "version_removed" if detail.get("deletion-type") == "Permanently Deleted" else "deleted"
            else:
                raise InvalidRequest(("detail-type", "is neither Object Created nor Object Deleted"))
            s3_object = detail["object"]
            return cls(
                kind=kind,
                bucket=detail["bucket"]["name"],
                key=s3_object["key"],
                version=s3_object.get("version-id"),
                sequencer=comparable_sequencer(s3_object["sequencer"]),
                size=s3_object.get("size", 0),
                time=event["time"],
            )
        except (KeyError, TypeError, AttributeError) as error:
            raise InvalidRequest(("event", "is not an event of an S3 object")) from error
