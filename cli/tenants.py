"""Tenants through the API, as the operator: issues keys and waits for onboarding, moves and removals."""

from urllib.parse import quote

from cli.api import ApiClient, JsonObject
from cli.errors import CommandError
from cli.progress import StatusLine
from cli.waiting import Clock, wait_for

PROVISIONING_SECONDS = 900  # CloudFormation creates a premium tenant's own resources
MOVE_SECONDS = 3600
REMOVAL_SECONDS = 3600


def tenant_route(tenant_id: str, below: str = "") -> str:
    """Returns the operator's route of a tenant, or of a resource below it, such as `/keys`."""
    return f"/admin/tenants/{quote(tenant_id, safe='')}{below}"


def issue_key(api: ApiClient, tenant_id: str) -> JsonObject:
    """Issues an API key for a tenant; only this response contains it."""
    return api.post(tenant_route(tenant_id, "/keys"), {})


def wait_until_active(api: ApiClient, tenant_id: str, clock: Clock) -> JsonObject:
    """Waits until a tenant is active; returns it.

    Raises:
        CommandError: The onboarding failed.
        DeadlineError: The onboarding is not complete after 15 minutes.
    """

    def poll() -> JsonObject | None:
        tenant = api.get(tenant_route(tenant_id))
        return None if tenant["status"] == "provisioning" else tenant

    message = f"{tenant_id} is still being onboarded after 15 minutes: check with `onggi tenant show {tenant_id}`."
    tenant = wait_for(poll, seconds=PROVISIONING_SECONDS, timeout_message=message, clock=clock)
    if tenant["status"] != "active":
        reason = tenant.get("reason") or f"See `onggi tenant show {tenant_id}`."
        message = f"{tenant_id} is {tenant['status']} and not active: {reason}"
        raise CommandError("not_active", message)
    return tenant


def wait_until_moved(api: ApiClient, tenant_id: str, tier: str, status_line: StatusLine, clock: Clock) -> JsonObject:
    """Waits until a tenant has moved to a tier; returns it.

    Raises:
        CommandError: The move failed.
        DeadlineError: The move is not complete after an hour.
    """

    def poll() -> JsonObject | None:
        tenant = api.get(tenant_route(tenant_id))
        move = tenant.get("move")
        if move and "reason" in move:
            raise CommandError("not_moved", f"The move of {tenant_id} to {tier} stopped: {move['reason']}")
        if move:
            status_line.show(f"{tenant_id} is moving to {tier}: {move['stage']}")
        return tenant if tenant["tier"] == tier and not move else None

    message = f"{tenant_id} is still moving after an hour: check with `onggi tenant show {tenant_id}`."
    return wait_for(poll, seconds=MOVE_SECONDS, timeout_message=message, clock=clock)


def wait_until_removed(api: ApiClient, tenant_id: str, clock: Clock) -> JsonObject:
    """Waits until a tenant is removed; returns its record with the receipt.

    Raises:
        CommandError: The removal stopped.
        DeadlineError: The removal is not complete after an hour.
    """

    def poll() -> JsonObject | None:
        tenant = api.get(tenant_route(tenant_id))
        if tenant["status"] == "removing" and tenant.get("reason"):
            raise CommandError("not_removed", f"{tenant_id} is not removed yet: {tenant['reason']}")
        return tenant if tenant["status"] == "removed" else None

    message = f"{tenant_id} is still being removed after an hour: run the same command to continue waiting."
    return wait_for(poll, seconds=REMOVAL_SECONDS, timeout_message=message, clock=clock)
