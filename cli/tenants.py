"""Tenants through the API, as the operator: what is waited for, and the sentence where it does not happen."""

from urllib.parse import quote

from cli.api import ApiClient, JsonObject
from cli.errors import CommandError
from cli.progress import Stage
from cli.waiting import Clock, wait_for

PROVISIONING_SECONDS = 900  # CloudFormation makes what a premium tenant has of its own
MOVE_SECONDS = 3600
REMOVAL_SECONDS = 3600


def tenant_route(tenant_id: str, below: str = "") -> str:
    """Returns the operator's route to a tenant, or to something below it, such as `/keys`."""
    return f"/admin/tenants/{quote(tenant_id, safe='')}{below}"


def issue_key(api: ApiClient, tenant_id: str) -> JsonObject:
    """Issues an API key for a tenant; the answer is the only place where it is ever seen."""
    return api.post(tenant_route(tenant_id, "/keys"), {})


def wait_until_active(api: ApiClient, tenant_id: str, clock: Clock) -> JsonObject:
    """Waits until a tenant can work; returns it.

    Raises:
        CommandError: Its onboarding failed.
        DeadlineError: It is still being onboarded after a quarter of an hour.
    """

    def look() -> JsonObject | None:
        tenant = api.get(tenant_route(tenant_id))
        return None if tenant["status"] == "provisioning" else tenant

    late = f"{tenant_id} is still being set up after 15 minutes: look again with `onggi tenant show {tenant_id}`."
    tenant = wait_for(look, seconds=PROVISIONING_SECONDS, late=late, clock=clock)
    if tenant["status"] != "active":
        reason = tenant.get("reason") or f"See `onggi tenant show {tenant_id}`."
        message = f"{tenant_id} is {tenant['status']} and not active: {reason}"
        raise CommandError("not_active", message)
    return tenant


def wait_until_moved(api: ApiClient, tenant_id: str, tier: str, stage: Stage, clock: Clock) -> JsonObject:
    """Waits until a tenant is of a tier and its move there is over; returns it.

    Raises:
        CommandError: The move failed.
        DeadlineError: It is still under way after an hour.
    """

    def look() -> JsonObject | None:
        tenant = api.get(tenant_route(tenant_id))
        move = tenant.get("move")
        if move and "reason" in move:
            raise CommandError("not_moved", f"The move of {tenant_id} to {tier} has stopped: {move['reason']}")
        if move:
            stage.show(f"{tenant_id} moves to {tier}: {move['stage']}")
        return tenant if tenant["tier"] == tier and not move else None

    late = f"{tenant_id} is still moving after an hour: look again with `onggi tenant show {tenant_id}`."
    return wait_for(look, seconds=MOVE_SECONDS, late=late, clock=clock)


def wait_until_removed(api: ApiClient, tenant_id: str, clock: Clock) -> JsonObject:
    """Waits until nothing is left of a tenant; returns what its route shows since, with the receipt.

    Raises:
        CommandError: The removal has stopped.
        DeadlineError: It is still being removed after an hour.
    """

    def look() -> JsonObject | None:
        tenant = api.get(tenant_route(tenant_id))
        if tenant["status"] == "removing" and tenant.get("reason"):
            raise CommandError("not_removed", f"{tenant_id} is not removed yet: {tenant['reason']}")
        return tenant if tenant["status"] == "removed" else None

    late = f"{tenant_id} is still being removed after an hour: the same command goes on waiting."
    return wait_for(look, seconds=REMOVAL_SECONDS, late=late, clock=clock)
