"""`onggi tenant create`: onboards a tenant and stores its first API key."""

from argparse import ArgumentParser, Namespace

from rich.console import Console
from rich.text import Text

from cli.arguments import Subparsers, add_command
from cli.commands.tenant.options import add_options, request_fields
from cli.errors import ExitStatus
from cli.output import printable, status_text
from cli.progress import StatusLine
from cli.tenants import issue_key, wait_until_active
from cli.workspace import Workspace


def register(actions: Subparsers, shared: ArgumentParser) -> None:
    """Adds the action."""
    create = add_command(
        actions,
        shared,
        "create",
        does="create a tenant, wait until it is active and store its first API key",
        examples=[
            "onggi tenant create hanbit --name 한빛가전",
            "onggi tenant create ridgeline --name Ridgeline --tier premium --setting ocr=true --limit documents=100",
        ],
        run=run,
    )
    create.add_argument("tenant_id", metavar="TENANT", help="its id: a-z, 0-9 and single hyphens between them")
    create.add_argument("--name", required=True, help="a display name")
    add_options(create)


def run(arguments: Namespace, workspace: Workspace) -> int:
    """Creates a tenant, issues its first key and stores it."""
    tenant_id, api = arguments.tenant_id, workspace.operator_api
    api.post("/admin/tenants", {"tenant_id": tenant_id, "tier": "basic", **request_fields(arguments)})
    with StatusLine(workspace.output) as status_line:
        status_line.show(f"{tenant_id} is being onboarded; it becomes active when its isolation layers are verified.")
        tenant = wait_until_active(api, tenant_id, workspace.clock)
    key = issue_key(api, tenant_id)
    workspace.keys.put(tenant_id, key["key_id"], key["api_key"])

    def show(console: Console) -> None:
        console.print(
            Text.assemble((printable(tenant["name"]), "bold"), f" ({tenant_id}) is ", status_text("active"), ".")
        )
        console.print(f"API key, shown only once: {key['api_key']}")
        console.print("The command has stored it; the stack keeps only its hash.")

    issued = {field: key[field] for field in ("key_id", "api_key", "created_at") if field in key}
    workspace.output.result({"tenant": tenant, "key": issued}, show)
    return ExitStatus.OK
