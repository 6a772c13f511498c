"""`onggi tenant remove`: remove a tenant with everything it has, and fetch what it takes along."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from rich.console import Console

from cli.api import JsonObject
from cli.arguments import Subparsers, add_command
from cli.commands.tenant.look import show_receipt
from cli.commands.tenant.options import add_tenant_id
from cli.errors import CommandError, ExitStatus
from cli.exports import fetch_export, prepare_folder
from cli.output import number_text, printable, size_text
from cli.progress import Stage
from cli.tenants import tenant_route, wait_until_removed
from cli.workspace import Workspace


def register(actions: Subparsers, shared: ArgumentParser) -> None:
    """Adds the action."""
    remove = add_command(
        actions,
        shared,
        "remove",
        does="remove a tenant with everything it has, and show the receipt",
        examples=["onggi tenant remove hanbit --yes --export hanbit-export", "onggi tenant remove hanbit --yes"],
        run=run,
    )
    add_tenant_id(remove)
    remove.add_argument("--yes", action="store_true", help="mean it: nothing of the tenant can be brought back")
    remove.add_argument(
        "--export",
        metavar="FOLDER",
        type=Path,
        help="fetch what it takes along into this new folder; for a tenant that was removed with an export, too",
    )


def run(arguments: Namespace, workspace: Workspace) -> int:
    """Removes a tenant, waits until nothing is left, fetches its export and shows the receipt.

    Raises:
        CommandError: The user does not mean it, the removal has stopped, or there is no export.
        DeadlineError: It is still being removed after an hour.
    """
    tenant_id, folder = arguments.tenant_id, arguments.export
    if not arguments.yes:
        message = f"This removes {tenant_id} with all its documents for good; say --yes if that is meant."
        raise CommandError("not_confirmed", message)
    if folder is not None:
        prepare_folder(folder)
    with Stage(workspace.output) as stage:
        removed = _removed(tenant_id, workspace, stage, export=folder is not None)
        workspace.keys.forget(tenant_id)
        export = None if folder is None else _fetched(removed, folder, workspace, stage)

    def show(console: Console) -> None:
        show_receipt(console, removed)
        if export is not None:
            show_export(console, export)

    workspace.output.result(removed | ({} if export is None else {"export": export}), show)
    return ExitStatus.FAILED if export and export["failed"] else ExitStatus.OK


def _removed(tenant_id: str, workspace: Workspace, stage: Stage, *, export: bool) -> JsonObject:
    api = workspace.operator_api
    known = api.get(tenant_route(tenant_id))
    if known["status"] == "removed":  # an earlier command was interrupted, or could not fetch the export
        if export and not known["receipt"].get("export"):
            message = f"{tenant_id} was removed before, and without an export: there is nothing to fetch."
            raise CommandError("no_export", message)
        return known
    api.delete(tenant_route(tenant_id, "?export=true" if export else ""))
    stage.show(f"{tenant_id} is denied from now on; its data goes once its open uploads have expired.")
    return wait_until_removed(api, tenant_id, workspace.clock)


def _fetched(removed: JsonObject, folder: Path, workspace: Workspace, stage: Stage) -> JsonObject:
    tenant_id, exported = removed["tenant_id"], removed["receipt"].get("export")
    if not exported:
        return {"folder": str(folder), "objects": 0, "bytes": 0, "failed": []}  # it had nothing

    def received(objects: int, size: int) -> None:
        so_far = f"{number_text(objects)} of {number_text(exported['objects'])} files, {size_text(size)}"
        stage.show(f"The export of {tenant_id} is being fetched.", so_far)

    try:
        return fetch_export(workspace.operator_api, workspace.transport, tenant_id, folder, received, workspace.clock)
    except CommandError as error:
        error.message = (
            f"{tenant_id} was removed, but its export was not fetched to its end: {error.message} "
            "The same command with another new folder fetches it again, within seven days."
        )
        raise


def show_export(console: Console, export: JsonObject) -> None:
    """Prints what was fetched, and what could not be stored."""
    files, size = number_text(export["objects"]), size_text(export["bytes"])
    console.print(f"The export is in {printable(export['folder'])}: {files} files, {size}.")
    for failure in export["failed"]:
        console.print(f"{printable(failure['name'])}: {printable(failure['message'])}")
