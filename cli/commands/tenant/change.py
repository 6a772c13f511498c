"""`onggi tenant change`, `suspend` and `resume`: changes tenants."""

from argparse import ArgumentParser, Namespace

from rich.console import Console
from rich.text import Text

from cli.api import JsonObject
from cli.arguments import Subparsers, add_command
from cli.commands.tenant.options import add_options, add_tenant_id, request_fields
from cli.commands.tenant.show import show_tenant
from cli.errors import ExitStatus, UsageError
from cli.output import printable, status_text
from cli.progress import StatusLine
from cli.tenants import tenant_route, wait_until_moved
from cli.workspace import Workspace

STATUSES = {"suspend": "suspended", "resume": "active"}
EFFECTS = {
    "suspended": "Its keys and users are denied within a minute; its uploads wait.",
    "active": "Its waiting uploads are processed now.",
}


def register(actions: Subparsers, shared: ArgumentParser) -> None:
    """Adds the actions."""
    change = add_command(
        actions,
        shared,
        "change",
        does="change a tenant's name, settings, limits or tier; others keep their values",
        examples=[
            "onggi tenant change hanbit --name 한빛전자 --setting chunk_size=400 --limit documents=100",
            "onggi tenant change hanbit --tier premium",
        ],
        run=run_change,
    )
    add_tenant_id(change)
    change.add_argument("--name", help="a display name")
    add_options(change)
    for name, does in (
        ("suspend", "deny a tenant all access until it is resumed; its data is kept"),
        ("resume", "let a suspended tenant work again, and process its waiting uploads"),
    ):
        action = add_command(actions, shared, name, does=does, examples=[f"onggi tenant {name} hanbit"], run=run_status)
        add_tenant_id(action)
        action.set_defaults(status=STATUSES[name])


def run_change(arguments: Namespace, workspace: Workspace) -> int:
    """Changes a tenant; if the tier changes, waits until the tenant has moved."""
    tenant_id, changes = arguments.tenant_id, request_fields(arguments)
    if not changes:
        message = "There is nothing to change: add --name, --setting, --limit or --tier."
        raise UsageError("no_change", message)
    tenant = workspace.operator_api.patch(tenant_route(tenant_id), changes)
    if "tier" in changes:
        tenant = _wait_for_move(tenant_id, changes["tier"], workspace)
    workspace.output.result(tenant, lambda console: show_tenant(console, tenant))
    return ExitStatus.OK


def _wait_for_move(tenant_id: str, tier: str, workspace: Workspace) -> JsonObject:
    with StatusLine(workspace.output) as status_line:
        return wait_until_moved(workspace.operator_api, tenant_id, tier, status_line, workspace.clock)


def run_status(arguments: Namespace, workspace: Workspace) -> int:
    """Suspends or resume a tenant."""
    tenant = workspace.operator_api.patch(tenant_route(arguments.tenant_id), {"status": arguments.status})

    def show(console: Console) -> None:
        name, status = printable(tenant["name"]), tenant["status"]
        console.print(Text.assemble((name, "bold"), f" ({arguments.tenant_id}) is ", status_text(status), "."))
        console.print(EFFECTS[arguments.status])

    workspace.output.result(tenant, show)
    return ExitStatus.OK
