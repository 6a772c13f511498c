"""`onggi tenant remove`: removes a tenant with all its data, and downloads its export."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from rich.console import Console

from cli.api import JsonObject
from cli.arguments import Subparsers, add_command
from cli.commands.tenant.options import add_tenant_id
from cli.commands.tenant.show import show_receipt
from cli.errors import CommandError, ExitStatus
from cli.exports import fetch_export, prepare_folder
from cli.output import number_text, printable, size_text
from cli.progress import StatusLine
from cli.tenants import tenant_route, wait_until_removed
from cli.workspace import Workspace


def register(actions: Subparsers, shared: ArgumentParser) -> None:
    """Adds the action."""
    remove = add_command(
        actions,
        shared,
        "remove",
        does="remove a tenant with all its data, and show the receipt",
        examples=["onggi tenant remove hanbit --yes --export hanbit-export", "onggi tenant remove hanbit --yes"],
        run=run,
    )
    add_tenant_id(remove)
    remove.add_argument("--yes", action="store_true", help="confirm the removal, which cannot be undone")
    remove.add_argument(
        "--export",
        metavar="FOLDER",
        type=Path,
        help="download an export into this new folder; also works for a tenant already removed with an export",
    )


def run(arguments: Namespace, workspace: Workspace) -> int:
    """Removes a tenant, waits until it is removed, downloads its export and shows the receipt.

    Raises:
        CommandError: The removal is not confirmed or stopped, or there is no export.
        DeadlineError: The removal is not complete after an hour.
    """
    tenant_id, folder = arguments.tenant_id, arguments.export
    if not arguments.yes:
        message = f"This removes {tenant_id} with all its documents permanently; add --yes to confirm."
        raise CommandError("not_confirmed", message)
    if folder is not None:
        prepare_folder(folder)
    with StatusLine(workspace.output) as status_line:
        removed = _remove(tenant_id, workspace, status_line, export=folder is not None)
        workspace.keys.delete(tenant_id)
        export = None if folder is None else _fetch(removed, folder, workspace, status_line)

    def show(console: Console) -> None:
        show_receipt(console, removed)
        if export is not None:
            show_export(console, export)

    workspace.output.result(removed | ({} if export is None else {"export": export}), show)
    return ExitStatus.FAILED if export and export["failed"] else ExitStatus.OK


def _remove(tenant_id: str, workspace: Workspace, status_line: StatusLine, *, export: bool) -> JsonObject:
    api = workspace.operator_api
    tenant = api.get(tenant_route(tenant_id))
    if tenant["status"] == "removed":  # an earlier command was interrupted, or could not download the export
        if export and not tenant["receipt"].get("export"):
            message = f"{tenant_id} was already removed without an export: there is nothing to download."
            raise CommandError("no_export", message)
        return tenant
    api.delete(tenant_route(tenant_id, "?export=true" if export else ""))
    status_line.show(f"{tenant_id} is denied access; its data is deleted when its pending uploads have expired.")
    return wait_until_removed(api, tenant_id, workspace.clock)


def _fetch(removed: JsonObject, folder: Path, workspace: Workspace, status_line: StatusLine) -> JsonObject:
    tenant_id, exported = removed["tenant_id"], removed["receipt"].get("export")
    if not exported:
        return {"folder": str(folder), "objects": 0, "bytes": 0, "failed": []}  # the tenant had no data

    def on_progress(objects: int, size: int) -> None:
        detail = f"{number_text(objects)} of {number_text(exported['objects'])} files, {size_text(size)}"
        status_line.show(f"The export of {tenant_id} is being downloaded.", detail)

    try:
        return fetch_export(
            workspace.operator_api, workspace.transport, tenant_id, folder, on_progress, workspace.clock
        )
    except CommandError as error:
        error.message = (
            f"{tenant_id} was removed, but the download of its export failed: {error.message} "
            "Run the same command with another new folder within seven days to download it again."
        )
        raise


def show_export(console: Console, export: JsonObject) -> None:
    """Prints the folder and size of an export, and the files that could not be stored."""
    files, size = number_text(export["objects"]), size_text(export["bytes"])
    console.print(f"The export is in {printable(export['folder'])}: {files} files, {size}.")
    for failure in export["failed"]:
        console.print(f"{printable(failure['name'])}: {printable(failure['message'])}")
