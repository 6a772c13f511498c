"""`onggi rm`: deletes documents."""

from argparse import ArgumentParser, Namespace

from rich.console import Console

from cli.arguments import Subparsers, add_command, add_tenant_argument
from cli.documents import match, request_deletion, wait_until_deleted
from cli.errors import ExitStatus
from cli.output import printable
from cli.progress import StatusLine
from cli.workspace import Workspace


def register(commands: Subparsers, shared: ArgumentParser) -> None:
    """Adds the command."""
    rm = add_command(
        commands,
        shared,
        "rm",
        does="delete documents and wait until they are deleted",
        examples=["onggi rm manuals/kimchi-fridge.md --tenant hanbit"],
        run=run,
    )
    rm.add_argument("documents", metavar="DOCUMENT", nargs="+", help="a document's name, key or id")
    add_tenant_argument(rm)


def run(arguments: Namespace, workspace: Workspace) -> int:
    """Deletes the documents, after checking that each of them exists."""
    api = workspace.tenant_api(arguments.tenant)
    documents = list(api.pages("/documents", "documents"))
    chosen = [match(documents, reference) for reference in arguments.documents]
    for document in chosen:
        request_deletion(api, document["document_id"])
    with StatusLine(workspace.output) as status_line:
        for document in chosen:
            status_line.show(f"{document['name']} is no longer searched; its data is being deleted")
            wait_until_deleted(api, document["document_id"], workspace.clock)
    deleted = [{**document, "status": "deleted"} for document in chosen]

    def show(console: Console) -> None:
        for document in deleted:
            console.print(f"deleted   {printable(document['name'])}")

    workspace.output.result({"documents": deleted}, show)
    return ExitStatus.OK
