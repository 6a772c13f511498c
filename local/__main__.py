"""`python -m local run|start|stop|status`: the local cloud's command line, for the emulator's own environment."""

import argparse
import sys
from pathlib import Path

from local import background, server
from local.settings import DEFAULT_BOTOCORE_DATA, DEFAULT_PORT, DEFAULT_STATE, CloudSettings, LocalCloudError


def main() -> int:
    """Run the command and return the exit status: 0 done, 1 not running, 2 failed."""
    arguments = _parser().parse_args()
    settings = CloudSettings(
        arguments.port, arguments.state.resolve(), arguments.botocore_data.resolve(), arguments.iam
    )
    try:
        return _run(arguments.command, settings)
    except LocalCloudError as error:
        print(error, file=sys.stderr)
        return 2


def _run(command: str, settings: CloudSettings) -> int:
    match command:
        case "run":
            server.run(settings)
        case "start":
            print(background.start(settings))
        case "stop":
            print(background.stop(settings))
        case _:
            running, sentence = background.status(settings)
            print(sentence)
            return 0 if running else 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local", description="An AWS on this machine.")
    parser.add_argument("command", choices=("run", "start", "stop", "status"))
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="on 127.0.0.1 (default: %(default)s)")
    parser.add_argument("--state", type=Path, default=DEFAULT_STATE, help="folder of its memory (default: .local)")
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
        help="evaluate no policies, with `run` only: shows that the application's own wall holds alone",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
