"""Who a piece of work is done for, and where that tenant's things lie."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, Self

from onggi.domain.errors import InvalidRequest, TenantMismatch
from onggi.domain.records import from_record

Tier = Literal["basic", "premium"]
TenantStatus = Literal["provisioning", "active", "suspended", "failed", "removing"]
CHOSEN_STATUSES: Final[tuple[Literal["active", "suspended"], ...]] = ("active", "suspended")
"""Those that an operator sets."""
TIERS: Final[tuple[Tier, ...]] = ("basic", "premium")
MoveStage = Literal["preparing", "copying", "switched", "leaving", "abandoned"]

TENANT_ID: Final = re.compile(r"[a-z0-9](-?[a-z0-9]){1,30}")
MIN_TENANT_ID_LENGTH: Final = 3
"""S3 Vectors refuses index names of fewer characters, and a tenant's index is named after it."""
KEY_PREFIX: Final = "tenants/"

DEFAULT_CHUNK_SIZE: Final = 800
"""Between the sizes that found most on Korean and on English questions (docs/architecture.md)."""
MIN_CHUNK_SIZE: Final = 200
MAX_CHUNK_SIZE: Final = 1600
"""Characters; with their context so many stay below the embedding model's limit in any script."""


def is_tenant_id(value: str) -> bool:
    """Whether a string has the form of a tenant id."""
    return len(value) >= MIN_TENANT_ID_LENGTH and TENANT_ID.fullmatch(value) is not None


def tenant_id_of_key(key: str) -> str | None:
    """The tenant id that an S3 key names (`tenants/<tenant id>/<path>`), or None where it names none."""
    parts = key.split("/", 2)
    if len(parts) < 3 or f"{parts[0]}/" != KEY_PREFIX or not parts[2] or not is_tenant_id(parts[1]):  # noqa: PLR2004 - prefix, tenant, path
        return None
    return parts[1]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a tenant's things lie; data in the tenant's record, never derived from its tier.

    Attributes:
        documents_bucket: what the tenant uploads.
        artifacts_bucket: what ingestion makes of it.
        vector_bucket: the S3 Vectors bucket that holds the tenant's index.
        index: the name of the tenant's vector index: the tenant's id, in whatever bucket.
        stack: the CloudFormation stack of what the tenant has for itself; empty where the buckets are shared.
        generation: how many places the tenant had before; orders the events of this one after those of the others.
        embedding_model: whose vectors the index holds; empty where an earlier version has recorded none, and it is what
            the stack says.
        embedding_dimensions: how many numbers each of them has; 0 likewise.
    """

    documents_bucket: str
    artifacts_bucket: str
    vector_bucket: str
    index: str
    stack: str = ""
    generation: int = 0
    embedding_model: str = ""
    embedding_dimensions: int = 0

    def recorded(self, embedding_model: str, embedding_dimensions: int) -> Self:
        """The place with an embedding model and its dimensions, where none are recorded yet."""
        if self.embedding_model:
            return self
        return replace(self, embedding_model=embedding_model, embedding_dimensions=embedding_dimensions)


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """How a tenant's documents are processed.

    Attributes:
        chunk_size: most characters in a chunk.
        ocr: whether pages without text are shown to a model that reads them, which costs its tokens.
    """

    chunk_size: int = DEFAULT_CHUNK_SIZE
    ocr: bool = False


EARLIER_DEFAULTS: Final = {"chunk_size": 800, "ocr": False}
"""What records hold that were written before settings were stored as chosen or not, where nothing was chosen."""


@dataclass(frozen=True, slots=True)
class ChosenSettings:
    """Those settings that an operator has chosen for a tenant; None where the default holds, whichever that becomes."""

    chunk_size: int | None = None
    ocr: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        """The chosen ones by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_context(cls, data: Mapping[str, Any]) -> Self:
        """Reads them from a tenant context; an older one has all settings, and what was the default is not chosen."""
        if "chosen_settings" in data:
            return from_record(cls, data["chosen_settings"])
        stored = data.get("settings", {})
        return from_record(cls, {name: value for name, value in stored.items() if value != EARLIER_DEFAULTS.get(name)})


@dataclass(frozen=True, slots=True)
class TenantLimits:
    """How much a tenant may have; an upload that would exceed one of these is refused.

    Attributes:
        documents: how many documents may answer.
        stored_bytes: of the uploads that answer, together.
        document_bytes: of the largest upload.
    """

    documents: int
    stored_bytes: int
    document_bytes: int


TIER_LIMITS: Final[Mapping[Tier, TenantLimits]] = {
    "basic": TenantLimits(documents=10_000, stored_bytes=10 * 1024**3, document_bytes=100 * 1024**2),
    "premium": TenantLimits(documents=1_000_000, stored_bytes=1024**4, document_bytes=256 * 1024**2),
}
"""What holds where an operator has chosen nothing else."""


@dataclass(frozen=True, slots=True)
class ChosenLimits:
    """Those limits that an operator has chosen for a tenant; None where its tier's holds, whichever that becomes."""

    documents: int | None = None
    stored_bytes: int | None = None
    document_bytes: int | None = None

    def to_dict(self) -> dict[str, int]:
        """The chosen ones by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Restores what `to_dict` made.

        Raises:
            InvalidRequest: when the data is not of that form.
        """
        try:
            chosen = from_record(cls, data)
        except TypeError as error:
            raise InvalidRequest(("tenant", "has no valid limits")) from error
        known = [value for name, value in asdict(chosen).items() if name in data]
        if any(type(value) is not int or value < 1 for value in known):
            raise InvalidRequest(("tenant", "has no valid limits"))
        return chosen


@dataclass(frozen=True, slots=True)
class TenantContext:
    """A tenant whose identity has been verified; everything done for a tenant takes this, never a bare id.

    It is made by the authoriser from a checked credential and by RegisterDocument from a bucket and key checked against
    the control table; later workflow states restore it with `for_document`, which checks it against the key again.
    """

    tenant_id: str
    name: str
    tier: Tier
    placement: Placement
    chosen_settings: ChosenSettings = ChosenSettings()
    chosen_limits: ChosenLimits = ChosenLimits()

    @property
    def prefix(self) -> str:
        """The S3 prefix below which everything of the tenant lies, with a slash at its end."""
        return f"{KEY_PREFIX}{self.tenant_id}/"

    @property
    def settings(self) -> TenantSettings:
        """The settings that hold: those chosen, else the defaults."""
        return replace(TenantSettings(), **self.chosen_settings.to_dict())

    def limits(self, largest_document: int) -> TenantLimits:
        """The limits that hold: those chosen, else the tier's.

        Args:
            largest_document: bytes that this installation processes at most, whatever was chosen.
        """
        limits = replace(TIER_LIMITS[self.tier], **self.chosen_limits.to_dict())
        return replace(limits, document_bytes=min(limits.document_bytes, largest_document))

    def to_dict(self) -> dict[str, Any]:
        """A JSON-ready form for the workflow's state and the authoriser's context.

        `settings` is there for functions of the version before, which know nothing of chosen ones.
        """
        return asdict(self) | {
            "settings": asdict(self.settings),
            "chosen_settings": self.chosen_settings.to_dict(),
            "chosen_limits": self.chosen_limits.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        """Restores what `to_dict` made.

        Raises:
            InvalidRequest: when the data is not of that form.
            TenantMismatch: when the index is another tenant's.
        """
        try:
            placement = from_record(Placement, data["placement"])
            settings = ChosenSettings.from_context(data)
            limits = ChosenLimits.from_dict(data.get("chosen_limits", {}))
            context = cls(str(data["tenant_id"]), str(data["name"]), data["tier"], placement, settings, limits)
        except (AttributeError, KeyError, TypeError) as error:
            raise InvalidRequest(("tenant", "is not a tenant context")) from error
        if not is_tenant_id(context.tenant_id):
            raise InvalidRequest(("tenant", "has no valid id"))
        if context.tier not in TIER_LIMITS:
            raise InvalidRequest(("tenant", "has no known tier"))
        if placement.index != context.tenant_id:
            raise TenantMismatch("The placement names another tenant's index.")
        return context

    @classmethod
    def for_document(cls, data: dict[str, Any], key: str) -> Self:
        """Restores the context of a workflow state and checks that the document's key is this tenant's.

        Raises:
            InvalidRequest: when the data is not a tenant context.
            TenantMismatch: when the index is another tenant's, or the key is outside the tenant's prefix.
        """
        context = cls.from_dict(data)
        if tenant_id_of_key(key) != context.tenant_id:
            raise TenantMismatch("The document's key belongs to another tenant than the workflow's state says.")
        return context


@dataclass(frozen=True, slots=True)
class Move:
    """A tenant's move from one placement to another.

    Attributes:
        tier: the tier that the tenant is to have.
        other: the place that is not in use: the new one until the switch, the old one after it.
        stage: `preparing` the new place; `copying` to it while uploads wait; `switched` to it, but not for everybody
            yet; `leaving` the old one, whose late uploads are reconciled; `abandoned`: the new place is removed.
        run: which run of the workflow has the move in its hands.
        reason: a sentence that says why that run has stopped.
    """

    tier: Tier
    other: Placement
    stage: MoveStage
    run: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TenantRecord:
    """A tenant as the control table knows it.

    Attributes:
        reason: a sentence that says why a workflow on the tenant has failed.
        reason_code: the same for programs; says nothing where there is no reason any more.
        run: which run of a workflow has the tenant in its hands, or had it last; a part of its execution's name.
        revision: counts the changes; whoever read one number and finds another has been overtaken.
        move: the tenant's way to another place, while it is under way.
    """

    context: TenantContext
    status: TenantStatus
    created_at: str
    reason: str | None = None
    run: str = ""
    revision: int = 0
    move: Move | None = None
    reason_code: str | None = None

    @property
    def at_other_placement(self) -> TenantContext:
        """The tenant at the place that a move has not put into use, or has put out of it; else where it is."""
        return replace(self.context, placement=self.move.other) if self.move else self.context

    @property
    def pauses_uploads(self) -> bool:
        """Whether events of its uploads wait for now."""
        is_copied = self.move is not None and self.move.stage in {"copying", "switched"}
        return is_copied or self.status in {"provisioning", "failed", "suspended"}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an operator can show of a tenant that was removed.

    Attributes:
        before: how much there was of each kind when the removal began.
        after: how much was left of each, read back: nothing.
        export: where the tenant's export is and how many objects it has, `{"bucket", "run", "objects"}`; None where
            none was asked for.
    """

    tenant_id: str
    created_at: str
    removed_at: str
    before: dict[str, int]
    after: dict[str, int]
    export: dict[str, Any] | None = None
