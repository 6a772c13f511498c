"""The arguments that every command takes, and how commands present themselves."""

from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from argparse import Namespace

    from cli.workspace import Workspace

type Run = Callable[[Namespace, Workspace], int]


class Subparsers(Protocol):
    """The part of argparse's subparsers action that commands use; argparse keeps the class itself private."""

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

    They may stand before the command or after it, so they have no defaults: the later parser's would overwrite what
    the earlier one read.
    """
    shared = ArgumentParser(add_help=False, argument_default=SUPPRESS)
    shared.add_argument("--json", action="store_true", help="print one JSON document, for programs")
    add_connection_arguments(shared)
    return shared


def add_connection_arguments(parser: ArgumentParser) -> None:
    """Adds the arguments that name a stack; without them the command talks to the local cloud."""
    stack = parser.add_argument_group("which stack", "Without these, the local cloud that `make up` started.")
    stack.add_argument("--stack", metavar="NAME", help="a stack that CloudFormation knows")
    stack.add_argument("--region", metavar="REGION", help="its AWS region")
    stack.add_argument("--profile", metavar="PROFILE", help="the AWS profile to act as")
    stack.add_argument("--endpoint-url", metavar="URL", help="where AWS answers; on this machine, the local cloud")


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
    """Adds the argument that names the tenant."""
    parser.add_argument("--tenant", metavar="TENANT", help="the tenant; not needed where only one's key is known")
