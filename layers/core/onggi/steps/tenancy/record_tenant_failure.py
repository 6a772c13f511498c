"""RecordTenantFailure: whatever stopped a workflow on a tenant, the tenant says so in a sentence."""

import json
import re
from dataclasses import replace
from typing import Any, Final

from onggi.domain import errors
from onggi.domain.tenant import CHOSEN_STATUSES
from onggi.ports.tenants import TenantDirectory, TenantLifecycle

TOLD: Final = {
    kind.__name__
    for kind in (errors.Conflict, errors.Forbidden, errors.InvalidRequest, errors.ModelRefused, errors.TenantMismatch)
}
"""Errors whose text says what an operator has to do."""
CAPITAL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
UNAVAILABLE: Final = "A part of AWS was not available for too long; send the same request again."
FAULT: Final = "A fault on our side stopped the workflow; look into its execution, then send the same request again."


def reason_of(error: dict[str, Any]) -> str:
    """The sentence for what a Catch hands over: `{"Error", "Cause"}`, the cause JSON with its `errorMessage`."""
    name = error.get("Error", "")
    if name == errors.TransientError.__name__:
        return UNAVAILABLE
    try:
        return str(json.loads(error["Cause"])["errorMessage"]) if name in TOLD else FAULT
    except (ValueError, KeyError, TypeError):
        return FAULT


def code_of(error: dict[str, Any]) -> str:
    """The code for the same: the name of an error that says what to do in snake case, `unavailable` or `internal`."""
    name = error.get("Error", "")
    if name == errors.TransientError.__name__:
        return "unavailable"
    return CAPITAL.sub("_", name).lower() if name in TOLD and reason_of(error) != FAULT else "internal"


def record_tenant_failure(
    tenant_id: str, run: str, error: dict[str, Any], directory: TenantDirectory, lifecycle: TenantLifecycle
) -> bool:
    """Notes why a run of a workflow has stopped: a new tenant is `failed`, any other keeps its status and its place.

    Returns:
        Whether it concerns anybody: not where another run has taken the tenant over, or this one had come to its end.
    """
    record = directory.find(tenant_id)
    if record is not None and record.status in CHOSEN_STATUSES and record.move and record.move.run == run:
        lifecycle.change(record, replace(record, move=replace(record.move, reason=reason_of(error))))
        return True
    if record is None or record.run != run or record.status not in {"provisioning", "active", "removing"}:
        return False
    status = "failed" if record.status == "provisioning" else record.status
    lifecycle.change(record, replace(record, status=status, reason=reason_of(error), reason_code=code_of(error)))
    return True
