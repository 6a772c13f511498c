"""`onggi ask`: answers a question from a tenant's documents, with citations."""

from argparse import ArgumentParser, Namespace

from rich.console import Console
from rich.text import Text

from cli.api import JsonObject
from cli.arguments import Subparsers, add_command, add_tenant_argument
from cli.errors import ExitStatus
from cli.output import printable
from cli.workspace import Workspace


def register(commands: Subparsers, shared: ArgumentParser) -> None:
    """Adds the command."""
    ask = add_command(
        commands,
        shared,
        "ask",
        does="answer a question from a tenant's documents, with citations",
        examples=['onggi ask "연차 휴가는 며칠인가요?" --tenant hanbit'],
        run=run,
    )
    ask.add_argument("question", metavar="QUESTION", help="1 to 4000 characters")
    add_tenant_argument(ask)


def run(arguments: Namespace, workspace: Workspace) -> int:
    """Asks the question and prints the answer."""
    answer = workspace.tenant_api(arguments.tenant).post("/query", {"question": arguments.question})
    workspace.output.result(answer, lambda console: show_answer(console, answer))
    return ExitStatus.OK


def show_answer(console: Console, answer: JsonObject) -> None:
    """Prints an answer with its citations, model, tokens, cost and latency."""
    console.print(printable(answer["answer"]))
    if answer["citations"]:
        console.print()
    for citation in answer["citations"]:
        console.print(citation_text(citation))
    usage = answer["usage"]
    tokens = f"{usage['input_tokens']:,} + {usage['output_tokens']:,} tokens"
    latency = f"{answer['latency_ms']['total']} ms"
    console.print(Text(printable(f"{answer['model']} · {tokens} · ${usage['cost_usd']} · {latency}"), style="dim"))


def citation_text(citation: JsonObject) -> Text:
    """Returns a citation as `[1] name, page 3: "quote"`, its quote on one line."""
    page = f", page {citation['page']}" if citation.get("page") is not None else ""
    quote = " ".join(printable(citation["quote"]).split())
    name = printable(citation["document_name"])
    return Text.assemble((f"[{citation['marker']}]", "cyan"), f" {name}{page}: ", (f'"{quote}"', "italic"))
