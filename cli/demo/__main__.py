"""The entry of the demonstration: `python -m cli.demo --endpoint-url URL --stack NAME --region REGION`."""

import json
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Sequence

from cli.arguments import shared_arguments
from cli.demo.report import Report
from cli.demo.story import Story
from cli.errors import CommandError, ExitStatus
from cli.output import Output
from cli.workspace import Connection, Outside, Workspace


def make_parser() -> ArgumentParser:
    """Returns the parser of the demonstration's arguments."""
    shared = shared_arguments()
    parser = ArgumentParser(
        prog="python -m cli.demo",
        description="Show what Onggi does with two invented companies, and check every step of it.",
        epilog="Exit status 0 only if every step did what it says.",
        parents=[shared],
    )
    parser.add_argument("--endpoint", dest="endpoint_url", default=SUPPRESS, help="short for --endpoint-url")
    return parser


def main(arguments: Sequence[str] | None = None, outside: Outside | None = None) -> int:
    """Tells the story; returns 0 where every check held."""
    outside = outside or Outside()
    parsed = make_parser().parse_args(arguments)
    output = Output(as_json=getattr(parsed, "json", False), out=outside.out, err=outside.err)
    report = Report(outside.out, as_json=output.as_json)
    started = outside.clock.monotonic()
    status = ExitStatus.OK
    try:
        Story(Workspace(Connection.of(parsed), outside, output), report).tell()
    except CommandError as error:
        report.check("the story goes on", [error.message.rstrip(".")])
        output.error(error)
        status = error.exit_status
    except KeyboardInterrupt:
        return int(ExitStatus.INTERRUPTED)
    seconds = outside.clock.monotonic() - started
    if output.as_json:
        outside.out.write(json.dumps(report.as_document(seconds), ensure_ascii=False, indent=2) + "\n")
    else:
        held = sum(check.held for check in report.checks)
        outside.out.write(f"\n{held} of {len(report.checks)} checks held, in {seconds:.0f} s.\n")
    return int(status or (ExitStatus.OK if report.held else ExitStatus.FAILED))


if __name__ == "__main__":
    sys.exit(main())
