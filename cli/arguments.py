"""The arguments shared by all commands, and the help of a command."""

from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from argparse import Namespace

    from cli.workspace import Workspace

type Run = Callable[[Namespace, Workspace], int]


class Subparsers(Protocol):
    """The part of argparse's subparsers action that commands use; the class itself is private to argparse."""

    def add_parser(
        self,
        name: str,
        *,
        help: str,  # noqa: A002 - argparse's own parameter name
        description: str,
        epilog: str,
        parents: list[ArgumentParser],
        formatter_class: type[RawDescriptionHelpFormatter],
    ) -> ArgumentParser:
        """Adds a command."""


def shared_arguments() -> ArgumentParser:
    """Returns the arguments of every command.

    They may be given before or after the command, so they have no defaults: those of the later parser would overwrite
    the values that the earlier one has read.
    """
    shared = ArgumentParser(add_help=False, argument_default=SUPPRESS)
    shared.add_argument("--json", action="store_true", help="print one JSON document")
    add_connection_arguments(shared)
    return shared


def add_connection_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments that select a stack; the default is the local cloud."""
    stack = parser.add_argument_group("stack", "Default: the local cloud that `make up` started.")
    stack.add_argument("--stack", metavar="NAME", help="the name of a CloudFormation stack")
    stack.add_argument("--region", metavar="REGION", help="its AWS region")
    stack.add_argument("--profile", metavar="PROFILE", help="the AWS profile to use")
    stack.add_argument(
        "--endpoint-url", metavar="URL", help="the endpoint of AWS; one on this machine is a local cloud"
    )


def add_command(
    commands: Subparsers, shared: ArgumentParser, name: str, *, does: str, examples: list[str], run: Run
) -> ArgumentParser:
    """Adds a command with its description and examples; returns its parser for the command's own arguments."""
    parser = commands.add_parser(
        name,
        help=does,
        description=f"{does[0].upper()}{does[1:]}.",
        epilog="\n".join([f"example{'s' if len(examples) > 1 else ''}:", *(f"  {example}" for example in examples)]),
        parents=[shared],
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def add_tenant_argument(parser: ArgumentParser) -> None:
    """Adds the argument for the tenant."""
    parser.add_argument("--tenant", metavar="TENANT", help="the tenant; optional if only one API key is stored")
