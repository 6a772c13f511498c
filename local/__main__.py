"""`python -m local run|start|stop|status|check|reset`: the local cloud's command line.

All but `run` need nothing but Python; `run` needs the emulator's own environment.
"""

import argparse
import sys
from pathlib import Path

from local import background
from local.settings import (
    DEFAULT_BOTOCORE_DATA,
    DEFAULT_PORT,
    DEFAULT_STATE,
    CloudSettings,
    LocalCloudError,
    remembered_port,
)

HIGHEST_PORT = 65535


def main() -> int:
    """Run the command and return the exit status: 0 done, 1 not running, 2 failed."""
    arguments = _parser().parse_args()
    state = arguments.state.resolve()
    settings = CloudSettings(
        arguments.port or remembered_port(state),
        state,
        arguments.botocore_data.resolve(),
        arguments.iam,
        port_is_named=arguments.port is not None,
    )
    try:
        return _run(arguments.command, settings)
    except LocalCloudError as error:
        print(error, file=sys.stderr)
        return 2


def _run(command: str, settings: CloudSettings) -> int:
    match command:
        case "run":
            from local import server  # noqa: PLC0415 - only here are packages of others needed

            server.run(settings)
        case "status":
            running, sentence = background.status(settings)
            print(sentence)
            return 0 if running else 1
        case _:
            perform = {
                "check": background.check,
                "reset": background.reset,
                "start": background.start,
                "stop": background.stop,
            }
            print(perform[command](settings))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="An AWS on this machine.")
    parser.add_argument("command", choices=("run", "start", "stop", "status", "check", "reset"))
    parser.add_argument(
        "--port", type=_port, help=f"on 127.0.0.1 (default: that of the last time, else {DEFAULT_PORT})"
    )
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help="folder of what it holds (default: .local)")
    parser.add_argument(
        "--botocore-data",
        type=Path,
        default=DEFAULT_BOTOCORE_DATA,
        help="botocore/data of an environment with boto3 1.44.5 or newer (default: that of .venv)",
    )
    parser.add_argument(
        "--without-iam",
        dest="iam",
        action="store_false",
        help="evaluate no policies, with `run` only: shows that the application isolates tenants by itself",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= HIGHEST_PORT:
        message = f"{text!r} is no port: ports are numbers from 1 to {HIGHEST_PORT}"
        raise argparse.ArgumentTypeError(message)
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
