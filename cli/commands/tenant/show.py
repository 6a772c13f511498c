"""`onggi tenant list`, `show` and `log`: shows tenants and their audit trails."""

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

IDENTIFYING = ("tenant_id", "key_id", "name", "tier", "role")
"""The fields that identify a tenant or key that was created or deleted."""


def register(actions: Subparsers, shared: ArgumentParser) -> None:
    """Adds the actions."""
    add_command(actions, shared, "list", does="list the tenants", examples=["onggi tenant list"], run=run_list)
    for name, does, run in (
        ("show", "show a tenant, or the receipt of a removed one", run_show),
        ("log", "list the changes of a tenant and its keys, newest first", run_log),
    ):
        add_tenant_id(add_command(actions, shared, name, does=does, examples=[f"onggi tenant {name} hanbit"], run=run))


def run_list(arguments: Namespace, workspace: Workspace) -> int:  # noqa: ARG001 - all commands have this signature
    """Lists the tenants."""
    tenants = list(workspace.operator_api.pages("/admin/tenants", "tenants"))

    def show(console: Console) -> None:
        if not tenants:
            console.print("There are no tenants yet: create one with `onggi tenant create`.")
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
    """Shows a tenant."""
    tenant = workspace.operator_api.get(tenant_route(arguments.tenant_id))
    show = show_receipt if tenant["status"] == "removed" else show_tenant
    workspace.output.result(tenant, lambda console: show(console, tenant))
    return ExitStatus.OK


def run_log(arguments: Namespace, workspace: Workspace) -> int:
    """Lists the audit trail of a tenant."""
    route = tenant_route(arguments.tenant_id, "/audit")
    entries = list(workspace.operator_api.pages(route, "entries"))

    def show(console: Console) -> None:
        rows = [(time_text(entry["at"]), entry["action"], changes(entry), entry["author"]) for entry in entries]
        console.print(table(("time (UTC)", "action", "changes", "author"), rows))

    workspace.output.result({"entries": entries}, show)
    return ExitStatus.OK


def changes(entry: JsonObject) -> str:
    """Returns the changes of an entry of the audit trail, in one line."""
    before, after = entry["before"], entry["after"]
    if before is None or after is None:
        record = after if before is None else before
        return ", ".join(str(record[name]) for name in IDENTIFYING if name in (record or {}))
    was, now = dict(fields(before)), dict(fields(after))
    key = [after["key_id"]] if "key_id" in after else []
    changed = (name for name in was | now if was.get(name) != now.get(name))
    return ", ".join([*key, *(f"{name}: {was.get(name, '–')} → {now.get(name, '–')}" for name in changed)])


def show_tenant(console: Console, tenant: JsonObject) -> None:
    """Prints all fields of a tenant."""
    rows = ((name, status_text(value) if name == "status" else value) for name, value in fields(tenant))
    console.print(table(("field", "value"), rows))


def show_receipt(console: Console, removed: JsonObject) -> None:
    """Prints the receipt of a removal: what was counted before and after it."""
    receipt = removed["receipt"]
    moment = time_text(receipt["removed_at"])
    console.print(f"{printable(removed['tenant_id'])} was removed at {moment} UTC; what was counted before and after:")
    rows = [(kind, str(count), str(receipt["after"][kind])) for kind, count in receipt["before"].items()]
    console.print(table(("data", "before", "after"), rows, right=("before", "after")))


def fields(record: JsonObject, prefix: str = "") -> list[tuple[str, str]]:
    """Returns the fields of a JSON object; names of nested fields are joined by dots."""
    found: list[tuple[str, str]] = []
    for name, value in record.items():
        if isinstance(value, dict):
            found += fields(value, f"{prefix}{name}.")
        else:
            found.append((prefix + name, value_text(value)))
    return found


def value_text(value: object) -> str:
    """Returns a value as JSON, but a string without quotes and None as a dash."""
    if isinstance(value, str):
        return value
    return "–" if value is None else json.dumps(value, ensure_ascii=False)
