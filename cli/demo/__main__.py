"""The entry point of the demonstration: `python -m cli.demo --endpoint-url URL --stack NAME --region REGION`."""

import json
import sys
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Sequence

from cli.arguments import shared_arguments
from cli.demo.report import Report
from cli.demo.scenario import Scenario
from cli.errors import CommandError, ExitStatus
from cli.output import Output
from cli.workspace import Connection, Environment, Workspace


def make_parser() -> ArgumentParser:
    """Returns the parser of the demonstration's arguments."""
    shared = shared_arguments()
    parser = ArgumentParser(
        prog="python -m cli.demo",
        description="Run Onggi with two invented companies and check every step.",
        epilog="The exit status is 0 only if all checks pass.",
        parents=[shared],
    )
    parser.add_argument("--endpoint", dest="endpoint_url", default=SUPPRESS, help="short for --endpoint-url")
    return parser


def main(arguments: Sequence[str] | None = None, environment: Environment | None = None) -> int:
    """Runs the scenario; returns 0 if all checks pass."""
    environment = environment or Environment()
    parsed = make_parser().parse_args(arguments)
    output = Output(as_json=getattr(parsed, "json", False), out=environment.out, err=environment.err)
    report = Report(environment.out, as_json=output.as_json)
    started = environment.clock.monotonic()
    status = ExitStatus.OK
    try:
        Scenario(Workspace(Connection.of(parsed), environment, output), report).run()
    except CommandError as error:
        report.check("the demonstration completes", [error.message.rstrip(".")])
        output.error(error)
        status = error.exit_status
    except KeyboardInterrupt:
        return int(ExitStatus.INTERRUPTED)
    seconds = environment.clock.monotonic() - started
    if output.as_json:
        environment.out.write(json.dumps(report.as_document(seconds), ensure_ascii=False, indent=2) + "\n")
    else:
        passed = sum(check.held for check in report.checks)
        environment.out.write(f"\n{passed} of {len(report.checks)} checks passed in {seconds:.0f} s.\n")
    return int(status or (ExitStatus.OK if report.held else ExitStatus.FAILED))


if __name__ == "__main__":
    sys.exit(main())
