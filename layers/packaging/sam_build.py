"""Runs `sam build` and shows how far it is: `python sam_build.py ARCHITECTURE LOG`, in the environment of sam.

What sam says goes into LOG, and to whoever looks where it fails.
"""

# ruff: noqa: INP001 - a script beside its data, not a package

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

REPOSITORY = Path(__file__).resolve().parents[2]
BUILT = re.compile(r"(\w+): Current Artifacts Directory")
"""What sam says of each artifact as its last words."""

OF_MAKE = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")
"""What the make that has started this would tell the make that sam starts."""


def main() -> None:
    """Build as the command line says; ends with sam's own status."""
    architecture, log = sys.argv[1], Path(sys.argv[2])
    status = build(architecture, log, sys.stdout)
    if status:
        sys.stderr.write(log.read_text(encoding="utf-8", errors="replace"))
    sys.exit(status)


def build(architecture: str, log: Path, out: TextIO) -> int:
    """Run `sam build`.

    Args:
        architecture: Lambda's name of the processor, `arm64` or `x86_64`.
        log: the file that gets everything that sam says.
        out: the stream that gets the progress.

    Returns:
        The exit status of sam.
    """
    command = [sys.executable, "-m", "samcli", "build", "--config-env", "local"]
    command += ["--parameter-overrides", f"Architecture={architecture}"]
    environment = {name: value for name, value in os.environ.items() if name not in OF_MAKE}
    log.parent.mkdir(parents=True, exist_ok=True)
    template = (REPOSITORY / "template.yaml").read_text(encoding="utf-8")
    with (
        log.open("w", encoding="utf-8") as file,
        subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as sam,
    ):
        show(kept(sam.stdout or (), file), artifacts_in(template), out)
    return sam.returncode


def artifacts_in(template: str) -> int:
    """Returns the number of functions and layers of a template, each of which sam builds."""
    return len(re.findall(r"^    Type: AWS::Serverless::(?:Function|LayerVersion)$", template, re.MULTILINE))


def kept(lines: Iterable[str], file: TextIO) -> Iterable[str]:
    """Hand each line on after writing it to a file, where it can be read at once."""
    for line in lines:
        file.write(line)
        file.flush()
        yield line


def show(lines: Iterable[str], total: int, out: TextIO) -> None:
    """Say of each artifact that it is built: in one changing line on a terminal, in a line of its own otherwise."""
    began, done = time.monotonic(), 0
    changing = out.isatty()

    def say(text: str) -> None:
        out.write(f"\r\033[K{text}" if changing else f"{text}\n")
        out.flush()

    if changing:
        say(f"building 0 of {total} functions and layers")
    for line in lines:
        built = BUILT.search(line)
        if built:
            done += 1
            say(f"built {done} of {total} functions and layers: {built[1]}")
    if changing:
        say("")
    out.write(f"built {done} of {total} functions and layers in {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
