"""The entry point of the `onggi` command."""

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence

from cli import VERSION
from cli.arguments import shared_arguments
from cli.commands import ask, key, ls, put, rm, search, tenant, usage
from cli.errors import CommandError, ExitStatus
from cli.output import Output
from cli.workspace import Connection, Environment, Workspace

EPILOG = """\
examples:
  onggi tenant create hanbit --name 한빛가전
  onggi put handbook.pdf --tenant hanbit
  onggi ask "연차 휴가는 며칠인가요?" --tenant hanbit
  onggi ls --tenant hanbit --stack onggi-prod --region ap-northeast-2

exit status:
  0    done
  1    the API refused the request, or a document failed
  2    the arguments are invalid
  3    there is no stack, or its address cannot be reached
  4    an API key or AWS credential is missing or not accepted
  5    the operation timed out; it may still complete
  130  interrupted

environment:
  ONGGI_API_KEY  a tenant's API key, in place of the stored ones
  ONGGI_LOCAL    the local cloud's folder, in place of .local in this or a parent folder
  NO_COLOR       no colours

With --json, a result is one JSON document on standard output, an error one on standard error:
  {"error": {"code": "...", "message": "..."}}
"""


def make_parser() -> ArgumentParser:
    """Returns the parser of the whole command line."""
    shared = shared_arguments()
    parser = ArgumentParser(
        prog="onggi",
        description="Tenants, documents and questions of an Onggi stack.",
        epilog=EPILOG,
        parents=[shared],
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"onggi {VERSION}", help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in (tenant, key, put, ls, rm, ask, search, usage):
        command.register(commands, shared)
    return parser


def main(arguments: Sequence[str] | None = None, environment: Environment | None = None) -> int:
    """Runs the command; returns its exit status."""
    environment = environment or Environment()
    parsed = make_parser().parse_args(arguments)
    output = Output(as_json=getattr(parsed, "json", False), out=environment.out, err=environment.err)
    workspace = Workspace(Connection.of(parsed), environment, output)
    try:
        status = parsed.run(parsed, workspace)
        environment.out.flush()
    except CommandError as error:
        output.error(error)
        return int(error.exit_status)
    except KeyboardInterrupt:
        return int(ExitStatus.INTERRUPTED)
    except BrokenPipeError:
        # The reader closed the pipe, as `head` does; Python must not report that when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return int(ExitStatus.FAILED)
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
