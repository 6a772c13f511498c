"""Checks state machines with npm's asl-validator: `python validate_state_machines.py FILE…`, skipped without Node.

SAM's own validation does not look into the files that DefinitionUri names.
"""

# ruff: noqa: INP001 - a script, not a package

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[1]
LOCKED = REPOSITORY / "requirements/node"
INSTALLED = REPOSITORY / ".venvs/node"
VALIDATOR = INSTALLED / "node_modules/.bin/asl-validator"


def main() -> None:
    """Validate the files that the command line names; the exit status is that of the validator."""
    if not (shutil.which("node") and shutil.which("npm")):
        sys.stdout.write("No Node.js here: asl-validator was skipped, the project's own checks were not.\n")
        return
    install()
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:]:
            definition = yaml.safe_load(fill(Path(name).read_text(encoding="utf-8")))
            target = Path(folder, Path(name).with_suffix(".json").name)
            target.write_text(json.dumps(definition), encoding="utf-8")
            done = subprocess.run([str(VALIDATOR), "--json-path", str(target)], check=False)
            if done.returncode:
                sys.exit(f"{name} is not valid; the reason stands above.")


def fill(definition: str) -> str:
    """Put something of the right form in place of each `${Name}` that SAM substitutes when it deploys."""
    lambda_arn = r"arn:aws:lambda:us-east-1:123456789012:function:\1"
    return re.sub(r"\$\{\w+\}", "aws", re.sub(r"\$\{(\w+Arn)\}", lambda_arn, definition))


def install() -> None:
    """Install the validator as it is locked, unless that was done already."""
    lock = "package-lock.json"
    if VALIDATOR.exists() and (INSTALLED / lock).read_bytes() == (LOCKED / lock).read_bytes():
        return
    INSTALLED.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", lock):
        shutil.copyfile(LOCKED / name, INSTALLED / name)
    command = ["npm", "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"]
    subprocess.run(command, cwd=INSTALLED, check=True)


if __name__ == "__main__":
    main()
