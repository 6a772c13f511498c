"""`onggi tenant change`, `suspend` and `resume`."""

from argparse import ArgumentParser, Namespace

from rich.console import Console
from rich.text import Text

from cli.api import JsonObject
from cli.arguments import Subparsers, add_command
from cli.commands.tenant.look import show_facts
from cli.commands.tenant.options import add_options, add_tenant_id, given
from cli.errors import ExitStatus, UsageError
from cli.output import printable, status_text
from cli.progress import Stage
from cli.tenants import tenant_route, wait_until_moved
from cli.workspace import Workspace

STATUSES = {"suspend": "suspended", "resume": "active"}
MEANINGS = {
    "suspended": "Its keys and users open nothing any more within a minute; what it uploads waits.",
    "active": "What it has uploaded meanwhile is processed now.",
}


def register(actions: Subparsers, shared: ArgumentParser) -> None:
    """Adds the actions."""
    change = add_command(
        actions,
        shared,
        "change",
        does="change a tenant's name, settings, limits or tier; what is not named stays",
        examples=[
            "onggi tenant change hanbit --name 한빛전자 --setting chunk_size=400 --limit documents=100",
            "onggi tenant change hanbit --tier premium",
        ],
        run=run_change,
    )
    add_tenant_id(change)
    change.add_argument("--name", help="what people call it")
    add_options(change)
    for name, does in (
        ("suspend", "deny a tenant everything until it is resumed; it loses nothing"),
        ("resume", "let a suspended tenant work again, and process what it has uploaded meanwhile"),
    ):
        action = add_command(actions, shared, name, does=does, examples=[f"onggi tenant {name} hanbit"], run=run_status)
        add_tenant_id(action)
        action.set_defaults(status=STATUSES[name])


def run_change(arguments: Namespace, workspace: Workspace) -> int:
    """Changes a tenant, and waits until it has moved where its tier changes."""
    tenant_id, wanted = arguments.tenant_id, given(arguments)
    if not wanted:
        message = "Nothing is to be changed: say --name, --setting, --limit or --tier."
        raise UsageError("no_change", message)
    tenant = workspace.operator_api.patch(tenant_route(tenant_id), wanted)
    if "tier" in wanted:
        tenant = _moved(tenant_id, wanted["tier"], workspace)
    workspace.output.result(tenant, lambda console: show_facts(console, tenant))
    return ExitStatus.OK


def _moved(tenant_id: str, tier: str, workspace: Workspace) -> JsonObject:
    with Stage(workspace.output) as stage:
        return wait_until_moved(workspace.operator_api, tenant_id, tier, stage, workspace.clock)


def run_status(arguments: Namespace, workspace: Workspace) -> int:
    """Suspends or resume a tenant."""
    tenant = workspace.operator_api.patch(tenant_route(arguments.tenant_id), {"status": arguments.status})

    def show(console: Console) -> None:
        name, status = printable(tenant["name"]), tenant["status"]
        console.print(Text.assemble((name, "bold"), f" ({arguments.tenant_id}) is ", status_text(status), "."))
        console.print(MEANINGS[arguments.status])

    workspace.output.result(tenant, show)
    return ExitStatus.OK
