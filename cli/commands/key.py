"""`onggi key`: issue, list and revoke the API keys of a tenant, as the operator."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from urllib.parse import quote

from rich.console import Console

from cli.arguments import Subparsers, add_command
from cli.errors import ExitStatus
from cli.output import printable, table, time_text
from cli.workspace import Workspace

ROLES = ("reader", "writer", "owner")


def register(commands: Subparsers, shared: ArgumentParser) -> None:
    """Add the command and its three actions."""
    key = commands.add_parser(
        "key",
        help="issue, list and revoke API keys (as the operator)",
        description="Issue, list and revoke the API keys of a tenant. These act as the operator, with AWS credentials.",
        epilog="example:\n  onggi key issue hanbit --role reader --name kiosk",
        parents=[shared],
        formatter_class=RawDescriptionHelpFormatter,
    )
    actions = key.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = add_command(
        actions, shared, "list", does="list a tenant's keys", examples=["onggi key list hanbit"], run=run_list
    )
    issue = add_command(
        actions,
        shared,
        "issue",
        does="issue a key, and show it this once",
        examples=[
            "onggi key issue hanbit --role reader --name kiosk",
            "onggi key issue hanbit --role owner --expires-at 2027-01-31T00:00:00Z --json",
        ],
        run=run_issue,
    )
    revoke = add_command(
        actions,
        shared,
        "revoke",
        does="revoke a key; within a minute it opens nothing",
        examples=["onggi key revoke hanbit 0afa6e43e589"],
        run=run_revoke,
    )
    for action in (listing, issue, revoke):
        action.add_argument("tenant_id", metavar="TENANT", help="the tenant's id")
    issue.add_argument("--role", choices=ROLES, help="what its holder may do; writer, unless said otherwise")
    issue.add_argument("--name", help="what people call it")
    issue.add_argument("--expires-at", metavar="TIME", help="when it ends, such as 2027-01-31T00:00:00Z; else never")
    revoke.add_argument("key_id", metavar="KEY", help="the key's id, as `onggi key list` shows it")


def run_list(arguments: Namespace, workspace: Workspace) -> int:
    """List a tenant's keys, those that have ended too."""
    keys = list(workspace.operator_api.pages(_route(arguments.tenant_id), "keys"))

    def show(console: Console) -> None:
        if not keys:
            console.print("There are no keys: `onggi key issue` issues one.")
            return
        rows = [
            (
                key["key_id"],
                key["role"],
                key.get("name", "–"),
                time_text(key["created_at"]),
                time_text(key.get("last_used_at")),
                time_text(key.get("expires_at")),
                time_text(key.get("revoked_at")),
            )
            for key in keys
        ]
        console.print(table(("key", "role", "name", "created (UTC)", "last used", "expires", "revoked"), rows))

    workspace.output.result({"keys": keys}, show)
    return ExitStatus.OK


def run_issue(arguments: Namespace, workspace: Workspace) -> int:
    """Issue a key; it is not kept here, since it is meant for somebody else."""
    asked = {"role": arguments.role, "name": arguments.name, "expires_at": arguments.expires_at}
    given = {name: value for name, value in asked.items() if value is not None}
    key = workspace.operator_api.post(_route(arguments.tenant_id), given)

    def show(console: Console) -> None:
        console.print(f"API key of a {printable(key['role'])}, shown this once: {key['api_key']}")
        console.print(f"Revoke it with `onggi key revoke {arguments.tenant_id} {printable(key['key_id'])}`.")

    workspace.output.result(key, show)
    return ExitStatus.OK


def run_revoke(arguments: Namespace, workspace: Workspace) -> int:
    """Revoke a key."""
    route = f"{_route(arguments.tenant_id)}/{quote(arguments.key_id, safe='')}"
    key = workspace.operator_api.delete(route)

    def show(console: Console) -> None:
        console.print(f"revoked   {printable(key['key_id'])}; it opens nothing any more within a minute")

    workspace.output.result(key, show)
    return ExitStatus.OK


def _route(tenant_id: str) -> str:
    return f"/admin/tenants/{quote(tenant_id, safe='')}/keys"
