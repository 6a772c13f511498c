"""Requests of operators about tenants."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from onggi.domain.tenant import (
    CHOSEN_STATUSES,
    MAX_CHUNK_SIZE,
    MIN_CHUNK_SIZE,
    TIERS,
    ChosenLimits,
    ChosenSettings,
    TenantContext,
    Tier,
    is_tenant_id,
)
from onggi.requests.fields import Fields
from onggi.requests.uploads import MAX_UPLOAD_BYTES
from onggi.steps.tenancy.change_tenant import TenantChange
from onggi.steps.tenancy.tenants import TenantRequest

HIGHEST_LIMITS: Final[Mapping[str, int]] = {
    "documents": 10**9,
    "stored_bytes": 1024**5,
    "document_bytes": MAX_UPLOAD_BYTES,
}
"""What a limit of a tenant may be at most, so that a slip of the pen is seen."""


def tenant_request(body: dict[str, Any]) -> TenantRequest:
    """The request of POST /admin/tenants.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    fields = Fields(body)
    tenant_id = fields.text("tenant_id", 63)
    if tenant_id and not is_tenant_id(tenant_id):
        fields.fault("tenant_id", "must have 3 to 61 small letters, digits and single hyphens between them")
    name = fields.text("name", 200)
    tier = _tier(fields.text("tier", 20, "basic"), fields)
    settings = fields.mapping("settings")
    limits = fields.mapping("limits")
    fields.finish()
    chosen = tenant_limits(limits, ChosenLimits())
    return TenantRequest(tenant_id, name, tier or "basic", tenant_settings(settings, ChosenSettings()), chosen)


def _tier(wanted: str | None, fields: Fields) -> Tier | None:
    tier = next((known for known in TIERS if known == wanted), None)
    if wanted and tier is None:
        fields.fault("tier", "must be one of " + ", ".join(TIERS))
    return tier


def tenant_settings(values: dict[str, Any], known: ChosenSettings) -> ChosenSettings:
    """What is chosen of a tenant's settings: null returns one to its default, what is left out stays as it is known.

    Raises:
        InvalidRequest: when they break the contract.
    """
    fields = Fields(values)
    chosen: dict[str, Any] = {}
    if "chunk_size" in values:
        chosen["chunk_size"] = fields.integer_or_null("chunk_size", MIN_CHUNK_SIZE, MAX_CHUNK_SIZE)
    if "ocr" in values:
        chosen["ocr"] = fields.flag_or_null("ocr")
    fields.finish("settings.")
    return replace(known, **chosen)


def tenant_limits(values: dict[str, Any], known: ChosenLimits) -> ChosenLimits:
    """What is chosen of a tenant's limits: null returns one to its tier's, what is left out stays as it is known.

    Raises:
        InvalidRequest: when they break the contract.
    """
    fields = Fields(values)
    chosen = {
        name: fields.integer_or_null(name, 1, highest) for name, highest in HIGHEST_LIMITS.items() if name in values
    }
    fields.finish("limits.")
    return replace(known, **chosen)


def tenant_change(body: dict[str, Any], known: TenantContext) -> TenantChange:
    """The request of PATCH /admin/tenants/{id}; settings and limits that are left out stay as they are known.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    fields = Fields(body)
    if not body:
        fields.fault("body", "must change something: the name, the tier, the settings, the limits or the status")
    name = fields.text("name", 200) if "name" in body else None
    wanted = fields.text("status", 20) if "status" in body else None
    status = next((status for status in CHOSEN_STATUSES if status == wanted), None)
    if wanted and status is None:
        fields.fault("status", "must be one of " + ", ".join(CHOSEN_STATUSES))
    tier = _tier(fields.text("tier", 20) if "tier" in body else None, fields)
    settings = fields.mapping("settings")
    limits = fields.mapping("limits")
    fields.finish()
    return TenantChange(
        name=name,
        settings=tenant_settings(settings, known.chosen_settings) if settings else None,
        limits=tenant_limits(limits, known.chosen_limits) if limits else None,
        status=status,
        tier=tier,
    )


def wants_export(query: dict[str, str]) -> bool:
    """The parameter of DELETE /admin/tenants/{id}.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    words = {"true": True, "false": False}
    fields = Fields({name: words.get(value, value) if name == "export" else value for name, value in query.items()})
    wanted = fields.flag("export", default=False)
    fields.finish()
    return wanted
