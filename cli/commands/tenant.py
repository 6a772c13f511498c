"""`onggi tenant`: onboard tenants, look at them and remove them, as the operator."""

from argparse import SUPPRESS, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from urllib.parse import quote

from rich.console import Console
from rich.text import Text

from cli.api import ApiClient, JsonObject
from cli.arguments import Subparsers, add_command
from cli.errors import CommandError, ExitStatus
from cli.output import printable, status_text, table, time_text
from cli.waiting import Clock, wait_for
from cli.workspace import Workspace

PROVISIONING_SECONDS = 300
REMOVAL_SECONDS = 3600
LISTED = ("tenant_id", "name", "tier", "status", "created_at")


def register(commands: Subparsers, shared: ArgumentParser) -> None:
    """Add the command and its actions."""
    tenant = commands.add_parser(
        "tenant",
        help="create, list, show and remove tenants (as the operator)",
        description="Create, list, show and remove tenants. These act as the operator, with AWS credentials.",
        epilog="example:\n  onggi tenant create hanbit --name 한빛가전",
        parents=[shared],
        formatter_class=RawDescriptionHelpFormatter,
    )
    actions = tenant.add_subparsers(title="actions", metavar="ACTION", required=True)
    create = add_command(
        actions,
        shared,
        "create",
        does="create a tenant, wait until it is active and keep its first API key",
        examples=[
            "onggi tenant create hanbit --name 한빛가전",
            "onggi tenant create ridgeline --name Ridgeline --json",
        ],
        run=run_create,
    )
    create.add_argument("tenant_id", metavar="TENANT", help="its id: a-z, 0-9 and single hyphens between them")
    create.add_argument("--name", required=True, help="what people call it")
    create.add_argument("--tier", default=SUPPRESS, help="basic, unless said otherwise")
    create.add_argument("--chunk-size", type=int, metavar="CHARACTERS", help="most characters in a chunk, 200 to 1600")
    create.add_argument("--ocr", action="store_true", help="show pages without text to a model that reads pictures")
    add_command(actions, shared, "list", does="list the tenants", examples=["onggi tenant list"], run=run_list)
    show = add_command(
        actions, shared, "show", does="show one tenant", examples=["onggi tenant show hanbit"], run=run_show
    )
    show.add_argument("tenant_id", metavar="TENANT", help="the tenant's id")
    remove = add_command(
        actions,
        shared,
        "remove",
        does="remove a tenant with everything it has, and show the receipt",
        examples=["onggi tenant remove hanbit --yes"],
        run=run_remove,
    )
    remove.add_argument("tenant_id", metavar="TENANT", help="the tenant's id")
    remove.add_argument("--yes", action="store_true", help="mean it: nothing of the tenant can be brought back")


def run_create(arguments: Namespace, workspace: Workspace) -> int:
    """Create a tenant, issue its first key and keep it."""
    tier = getattr(arguments, "tier", "basic")
    tenant_id = arguments.tenant_id
    settings: JsonObject = {"ocr": True} if arguments.ocr else {}
    if arguments.chunk_size is not None:
        settings["chunk_size"] = arguments.chunk_size
    body = {"tenant_id": tenant_id, "name": arguments.name, "tier": tier}
    workspace.operator_api.post("/admin/tenants", body | ({"settings": settings} if settings else {}))
    workspace.output.progress(f"{tenant_id} is being set up; it becomes active once its walls have been tried.")
    tenant = wait_until_active(workspace.operator_api, tenant_id, workspace.clock)
    key = issue_key(workspace.operator_api, tenant_id)
    workspace.keys.put(tenant_id, key["key_id"], key["api_key"])

    def show(console: Console) -> None:
        console.print(
            Text.assemble((printable(tenant["name"]), "bold"), f" ({tenant_id}) is ", status_text("active"), ".")
        )
        console.print(f"API key, shown this once: {key['api_key']}")
        console.print("The command remembers it; nobody else does.")

    issued = {field: key[field] for field in ("key_id", "api_key", "created_at") if field in key}
    workspace.output.result({"tenant": tenant, "key": issued}, show)
    return ExitStatus.OK


def run_list(arguments: Namespace, workspace: Workspace) -> int:  # noqa: ARG001 - every command has this shape
    """List the tenants."""
    tenants = list(workspace.operator_api.pages("/admin/tenants", "tenants"))

    def show(console: Console) -> None:
        if not tenants:
            console.print("There are no tenants yet: `onggi tenant create` makes one.")
            return
        rows = [
            (
                tenant["tenant_id"],
                tenant["name"],
                tenant["tier"],
                status_text(tenant["status"]),
                time_text(tenant.get("created_at")),
            )
            for tenant in tenants
        ]
        console.print(table(("tenant", "name", "tier", "status", "created (UTC)"), rows))

    workspace.output.result({"tenants": tenants}, show)
    return ExitStatus.OK


def run_show(arguments: Namespace, workspace: Workspace) -> int:
    """Show one tenant."""
    tenant = workspace.operator_api.get(f"/admin/tenants/{quote(arguments.tenant_id, safe='')}")

    def show(console: Console) -> None:
        console.print(table(("what", "value"), _facts(tenant)))

    workspace.output.result(tenant, show)
    return ExitStatus.OK


def run_remove(arguments: Namespace, workspace: Workspace) -> int:
    """Remove a tenant, wait until nothing is left and show the receipt.

    Raises:
        CommandError: The user does not mean it, or the removal has stopped.
        DeadlineError: It is still being removed after an hour.
    """
    tenant_id = arguments.tenant_id
    if not arguments.yes:
        message = f"This removes {tenant_id} with all its documents for good; say --yes if that is meant."
        raise CommandError("not_confirmed", message)
    route = f"/admin/tenants/{quote(tenant_id, safe='')}"
    workspace.operator_api.delete(route)
    workspace.output.progress(f"{tenant_id} is denied from now on; its data goes once its open uploads have expired.")

    def look() -> JsonObject | None:
        tenant = workspace.operator_api.get(route)
        if tenant["status"] == "removing" and tenant.get("reason"):
            raise CommandError("not_removed", f"{tenant_id} is not removed yet: {tenant['reason']}")
        return tenant if tenant["status"] == "removed" else None

    late = f"{tenant_id} is still being removed after an hour: look again with `onggi tenant show {tenant_id}`."
    removed = wait_for(look, seconds=REMOVAL_SECONDS, late=late, clock=workspace.clock)
    receipt = removed["receipt"]

    def show(console: Console) -> None:
        console.print(f"{tenant_id} was removed at {time_text(receipt['removed_at'])} UTC; read back afterwards:")
        rows = [(kind, str(count), str(receipt["after"][kind])) for kind, count in receipt["before"].items()]
        console.print(table(("what", "before", "after"), rows, right=("before", "after")))

    workspace.output.result(removed, show)
    return ExitStatus.OK


def wait_until_active(api: ApiClient, tenant_id: str, clock: Clock) -> JsonObject:
    """Wait until a tenant can work; returns it.

    Raises:
        CommandError: Its onboarding failed.
        DeadlineError: It is still being onboarded after five minutes.
    """

    def look() -> JsonObject | None:
        tenant = api.get(f"/admin/tenants/{quote(tenant_id, safe='')}")
        return None if tenant["status"] == "provisioning" else tenant

    late = f"{tenant_id} is still being set up after 5 minutes: look again with `onggi tenant show {tenant_id}`."
    tenant = wait_for(look, seconds=PROVISIONING_SECONDS, late=late, clock=clock)
    if tenant["status"] != "active":
        reason = tenant.get("reason") or f"See `onggi tenant show {tenant_id}`."
        message = f"{tenant_id} is {tenant['status']} and not active: {reason}"
        raise CommandError("not_active", message)
    return tenant


def issue_key(api: ApiClient, tenant_id: str) -> JsonObject:
    """Issue an API key for a tenant; the answer is the only place where it is ever seen."""
    return api.post(f"/admin/tenants/{quote(tenant_id, safe='')}/keys", {})


def _facts(tenant: JsonObject) -> list[tuple[str, str | Text]]:
    facts: list[tuple[str, str | Text]] = []
    for name, value in tenant.items():
        if name == "status":
            facts.append((name, status_text(value)))
        elif isinstance(value, dict):
            facts += [(f"{name}.{inner}", "–" if held is None else str(held)) for inner, held in value.items()]
        else:
            facts.append((name, "–" if value is None else str(value)))
    return facts
