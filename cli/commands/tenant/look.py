"""`onggi tenant list`, `show` and `log`: what there is, and what was changed about it."""

import json
from argparse import ArgumentParser, Namespace

from rich.console import Console

from cli.api import JsonObject
from cli.arguments import Subparsers, add_command
from cli.commands.tenant.options import add_tenant_id
from cli.errors import ExitStatus
from cli.output import printable, status_text, table, time_text
from cli.tenants import tenant_route
from cli.workspace import Workspace

NAMING = ("tenant_id", "key_id", "name", "tier", "role")
"""What tells one thing from another where it came or went."""


def register(actions: Subparsers, shared: ArgumentParser) -> None:
    """Adds the actions."""
    add_command(actions, shared, "list", does="list the tenants", examples=["onggi tenant list"], run=run_list)
    for name, does, run in (
        ("show", "show one tenant, or the receipt of one that was removed", run_show),
        ("log", "list what was changed about a tenant and its keys, newest first", run_log),
    ):
        add_tenant_id(add_command(actions, shared, name, does=does, examples=[f"onggi tenant {name} hanbit"], run=run))


def run_list(arguments: Namespace, workspace: Workspace) -> int:  # noqa: ARG001 - every command has this shape
    """Lists the tenants."""
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
    """Shows one tenant."""
    tenant = workspace.operator_api.get(tenant_route(arguments.tenant_id))
    show = show_receipt if tenant["status"] == "removed" else show_facts
    workspace.output.result(tenant, lambda console: show(console, tenant))
    return ExitStatus.OK


def run_log(arguments: Namespace, workspace: Workspace) -> int:
    """Lists the audit trail of a tenant."""
    route = tenant_route(arguments.tenant_id, "/audit")
    entries = list(workspace.operator_api.pages(route, "entries"))

    def show(console: Console) -> None:
        rows = [(time_text(entry["at"]), entry["action"], changes(entry), entry["author"]) for entry in entries]
        console.print(table(("at (UTC)", "action", "what", "by"), rows))

    workspace.output.result({"entries": entries}, show)
    return ExitStatus.OK


def changes(entry: JsonObject) -> str:
    """Returns what an entry of the audit trail says was changed, in one line."""
    before, after = entry["before"], entry["after"]
    if before is None or after is None:
        thing = after if before is None else before
        return ", ".join(str(thing[name]) for name in NAMING if name in (thing or {}))
    was, now = dict(facts(before)), dict(facts(after))
    named = [after["key_id"]] if "key_id" in after else []
    changed = (name for name in was | now if was.get(name) != now.get(name))
    return ", ".join([*named, *(f"{name}: {was.get(name, '–')} → {now.get(name, '–')}" for name in changed)])


def show_facts(console: Console, tenant: JsonObject) -> None:
    """Prints everything that is known of a tenant."""
    rows = ((name, status_text(value) if name == "status" else value) for name, value in facts(tenant))
    console.print(table(("what", "value"), rows))


def show_receipt(console: Console, removed: JsonObject) -> None:
    """Prints what a removal has counted before and after."""
    receipt = removed["receipt"]
    moment = time_text(receipt["removed_at"])
    console.print(f"{printable(removed['tenant_id'])} was removed at {moment} UTC; read back afterwards:")
    rows = [(kind, str(count), str(receipt["after"][kind])) for kind, count in receipt["before"].items()]
    console.print(table(("what", "before", "after"), rows, right=("before", "after")))


def facts(thing: JsonObject, within: str = "") -> list[tuple[str, str]]:
    """Returns everything that a JSON object says, with dots between the names."""
    said: list[tuple[str, str]] = []
    for name, value in thing.items():
        if isinstance(value, dict):
            said += facts(value, f"{within}{name}.")
        else:
            said.append((within + name, value_text(value)))
    return said


def value_text(value: object) -> str:
    """Returns a JSON value as it is written in JSON, but texts bare and nothing as a dash."""
    if isinstance(value, str):
        return value
    return "–" if value is None else json.dumps(value, ensure_ascii=False)
