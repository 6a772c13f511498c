"""`onggi key`: issue, list and revoke the API keys of a tenant, as the operator or as an owner of the tenant."""

from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from urllib.parse import quote

from rich.console import Console

from cli.api import ApiClient
from cli.arguments import Subparsers, add_command
from cli.errors import ExitStatus
from cli.output import printable, table, time_text
from cli.tenants import tenant_route
from cli.workspace import Workspace

ROLES = ("reader", "writer", "owner")
DESCRIPTION = """\
Issue, list and revoke the API keys of a tenant, as the operator with AWS credentials; with --as-owner, with an API
key of the tenant that has the role owner.
"""


def register(commands: Subparsers, shared: ArgumentParser) -> None:
    """Adds the command and its three actions."""
    key = commands.add_parser(
        "key",
        help="issue, list and revoke API keys (as the operator, or as an owner)",
        description=DESCRIPTION,
        epilog="example:\n  onggi key issue hanbit --role reader --name kiosk",
        parents=[shared],
        formatter_class=RawDescriptionHelpFormatter,
    )
    actions = key.add_subparsers(title="actions", metavar="ACTION", required=True)
    listing = add_command(
        actions,
        shared,
        "list",
        does="list a tenant's keys, also those that have expired or are revoked",
        examples=["onggi key list hanbit", "ONGGI_API_KEY=onggi_hanbit_… onggi key list hanbit --as-owner"],
        run=run_list,
    )
    issue = add_command(
        actions,
        shared,
        "issue",
        does="issue a key and show it once",
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
        does="revoke a key; it is rejected within a minute",
        examples=["onggi key revoke hanbit 0afa6e43e589"],
        run=run_revoke,
    )
    for action in (listing, issue, revoke):
        action.add_argument("tenant_id", metavar="TENANT", help="the tenant's id")
        action.add_argument(
            "--as-owner", action="store_true", help="use the tenant's own key, which needs the role owner"
        )
    issue.add_argument("--role", choices=ROLES, help="the permissions of the key (default: writer)")
    issue.add_argument("--name", help="a display name")
    issue.add_argument(
        "--expires-at", metavar="TIME", help="the time of expiry, such as 2027-01-31T00:00:00Z (default: never)"
    )
    revoke.add_argument("key_id", metavar="KEY", help="the key's id, shown by `onggi key list`")


def run_list(arguments: Namespace, workspace: Workspace) -> int:
    """Lists a tenant's keys, also those that have expired or are revoked."""
    api, route = _key_api(arguments, workspace)
    keys = list(api.pages(route, "keys"))

    def show(console: Console) -> None:
        if not keys:
            console.print("There are no keys: issue one with `onggi key issue`.")
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
    """Issues a key; it is not stored, since it is for somebody else."""
    options = {"role": arguments.role, "name": arguments.name, "expires_at": arguments.expires_at}
    body = {name: value for name, value in options.items() if value is not None}
    api, route = _key_api(arguments, workspace)
    key = api.post(route, body)

    def show(console: Console) -> None:
        console.print(f"API key with the role {printable(key['role'])}, shown only once: {key['api_key']}")
        owner = " --as-owner" if arguments.as_owner else ""
        console.print(f"Revoke it with `onggi key revoke {arguments.tenant_id} {printable(key['key_id'])}{owner}`.")

    workspace.output.result(key, show)
    return ExitStatus.OK


def run_revoke(arguments: Namespace, workspace: Workspace) -> int:
    """Revokes a key."""
    api, route = _key_api(arguments, workspace)
    key = api.delete(f"{route}/{quote(arguments.key_id, safe='')}")

    def show(console: Console) -> None:
        console.print(f"revoked   {printable(key['key_id'])}; it is rejected within a minute")

    workspace.output.result(key, show)
    return ExitStatus.OK


def _key_api(arguments: Namespace, workspace: Workspace) -> tuple[ApiClient, str]:
    """Returns the API as the owner or the operator, and its route for keys."""
    if arguments.as_owner:
        return workspace.tenant_api(arguments.tenant_id), "/keys"
    return workspace.operator_api, tenant_route(arguments.tenant_id, "/keys")
