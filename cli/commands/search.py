"""`onggi search`: finds the passages for a question."""

from argparse import ArgumentParser, Namespace

from rich.console import Console

from cli.api import JsonObject
from cli.arguments import Subparsers, add_command, add_tenant_argument
from cli.errors import ExitStatus
from cli.output import table
from cli.workspace import Workspace


def register(commands: Subparsers, shared: ArgumentParser) -> None:
    """Adds the command."""
    search = add_command(
        commands,
        shared,
        "search",
        does="find the passages most relevant to a question",
        examples=['onggi search "warranty of the compressor" --tenant hanbit'],
        run=run,
    )
    search.add_argument("question", metavar="QUESTION", help="1 to 4000 characters")
    add_tenant_argument(search)


def run(arguments: Namespace, workspace: Workspace) -> int:
    """Searches and prints the passages, most relevant first."""
    found = workspace.tenant_api(arguments.tenant).post("/retrieve", {"question": arguments.question})
    workspace.output.result(found, lambda console: _show(console, found["passages"]))
    return ExitStatus.OK


def _show(console: Console, passages: list[JsonObject]) -> None:
    if not passages:
        console.print("No passages were found.")
        return
    rows = [
        (
            f"{passage['score']:.3f}",
            passage["document_name"],
            "–" if passage.get("page") is None else str(passage["page"]),
            " ".join(passage["text"].split()),
        )
        for passage in passages
    ]
    console.print(table(("score", "document", "page", "passage"), rows, right=("score", "page")))
