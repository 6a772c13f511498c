"""`onggi tenant`: manages tenants, as the operator."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter

from cli.arguments import Subparsers
from cli.commands.tenant import change, create, remove, show

EPILOG = """\
examples:
  onggi tenant create hanbit --name 한빛가전
  onggi tenant change hanbit --tier premium
  onggi tenant suspend hanbit
"""


def register(commands: Subparsers, shared: ArgumentParser) -> None:
    """Adds the command and its actions."""
    tenant = commands.add_parser(
        "tenant",
        help="create, list, show, change, suspend, resume and remove tenants (as the operator)",
        description="Manage tenants, as the operator with AWS credentials.",
        epilog=EPILOG,
        parents=[shared],
        formatter_class=RawDescriptionHelpFormatter,
    )
    actions = tenant.add_subparsers(title="actions", metavar="ACTION", required=True)
    for module in (create, show, change, remove):
        module.register(actions, shared)
