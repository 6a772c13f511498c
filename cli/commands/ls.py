"""`onggi ls`: lists a tenant's documents."""

from argparse import ArgumentParser, Namespace

from rich.console import Console
from rich.text import Text

from cli.api import JsonObject
from cli.arguments import Subparsers, add_command, add_tenant_argument
from cli.errors import ExitStatus
from cli.output import number_text, printable, size_text, status_text, table, time_text
from cli.processing import ProcessingProgress
from cli.workspace import Workspace

STATUSES = ("pending", "processing", "ready", "failed", "deleting")
NUMBERS = ("pages", "chunks", "size")


def register(commands: Subparsers, shared: ArgumentParser) -> None:
    """Adds the command."""
    ls = add_command(
        commands,
        shared,
        "ls",
        does="list a tenant's documents, newest first",
        examples=["onggi ls --tenant hanbit", "onggi ls --tenant hanbit --status failed"],
        run=run,
    )
    add_tenant_argument(ls)
    ls.add_argument("--status", choices=STATUSES, help="only documents with this status")


def run(arguments: Namespace, workspace: Workspace) -> int:
    """Lists the documents."""
    api = workspace.tenant_api(arguments.tenant)
    documents = list(api.pages("/documents", "documents", {"status": arguments.status}))
    workspace.output.result({"documents": documents}, lambda console: _show(console, documents))
    return ExitStatus.OK


def _status(document: JsonObject) -> Text:
    """Returns a document's status, with the percentage while it is processed."""
    progress = ProcessingProgress.of(document)
    share = "" if progress is None or progress.percent is None else f" {progress.percent}%"
    return status_text(document["status"]).append(share)


def _amounts(document: JsonObject) -> tuple[str, str]:
    """Returns pages and chunks of the live version, or of the version in progress if none is live yet."""
    progress = ProcessingProgress.of(document)
    if progress and not document.get("current_version"):
        return number_text(progress.pages), progress.chunks_text
    return number_text(document.get("pages")), number_text(document.get("chunks"))


def _show(console: Console, documents: list[JsonObject]) -> None:
    if not documents:
        console.print("There are no documents.")
        return
    rows = [
        (
            _status(document),
            document["name"],
            *_amounts(document),
            size_text(document.get("size")),
            time_text(document.get("uploaded_at")),
        )
        for document in documents
    ]
    console.print(table(("status", "name", *NUMBERS, "uploaded (UTC)"), rows, right=NUMBERS))
    for document in documents:
        if (progress := ProcessingProgress.of(document)) and document.get("current_version"):
            console.print(f"{printable(document['name'])}: the new version: {progress.text}")
        if error := document.get("error"):
            console.print(f"{printable(document['name'])}: {printable(error['message'])} ({printable(error['code'])})")
