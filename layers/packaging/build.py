"""Builds one artifact of `sam build`: `python build.py SOURCE ARTIFACT ARCHITECTURE`.

An artifact holds the source folder's code, what its requirements.txt locks as wheels for Lambda's system, and the
bytecode of both: Lambda cannot write bytecode, so that without it every cold start compiles again. What only a
developer reads stays out. Standard library only, since it runs before anything is installed.
"""

# ruff: noqa: INP001 - a script beside its data, not a package

import argparse
import compileall
import fnmatch
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
MACHINES = {"arm64": "aarch64", "x86_64": "x86_64"}
NEWEST_GLIBC = 34  # Lambda's python3.13 is Amazon Linux 2023, glibc 2.34
OLDEST_GLIBC = 17  # what manylinux2014 means

# Left out of our own folders, wherever it lies in them.
NOT_SHIPPED = ("requirements.*", "README*", "*.md", "Makefile", "tests", "__pycache__", "*.pyc", ".*")
# Removed from installed packages. Not "docs" at any depth: botocore.docs is code.
PRUNED_ANYWHERE = (
    *("tests", "_tests", "test", "*.pyi", "py.typed", "*-stubs", "*.rst", "README*", "examples-1.json"),
    *("*.c", "*.h", "*.pyx", "*.pxd", "*.pxi"),  # what compiled modules were made from
    "olefile2.py",  # for Python 2
)
PRUNED_AT_ROOT = ("bin", "docs", "examples", ".lock", "pypdfium2_cli")
# Of a package's metadata its name, version, entry points and licences stay; what tells how it was installed differs
# from run to run.
PRUNED_METADATA = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "WHEEL")


class BuildError(Exception):
    """What stops a build, as a sentence for whoever ran it."""


def main() -> None:
    """Build as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("artifact", type=Path)
    parser.add_argument("architecture", choices=sorted(MACHINES))
    arguments = parser.parse_args()
    try:
        build(arguments.source, arguments.artifact, arguments.architecture)
    except BuildError as error:
        sys.exit(str(error))


def build(source: Path, artifact: Path, architecture: str) -> None:
    """Fill the folder `artifact` from the folder `source`.

    Args:
        source: one function's or layer's folder; `requirements.txt` in it is optional, locked and with hashes.
        artifact: the folder to fill; made if it is missing.
        architecture: Lambda's name of the processor, `arm64` or `x86_64`.

    Raises:
        BuildError: no installer was found, or it failed.
    """
    artifact.mkdir(parents=True, exist_ok=True)
    requirements = source / "requirements.txt"
    if requirements.exists():
        install(requirements, artifact, architecture)
        prune(artifact, used_services())
    shutil.copytree(source, artifact, ignore=shutil.ignore_patterns(*NOT_SHIPPED), dirs_exist_ok=True)
    compile_bytecode(artifact)


def install(requirements: Path, target: Path, architecture: str) -> None:
    """Install the wheels that `requirements` locks, for Lambda's system and not for this one."""
    command = [
        *installer(architecture),
        *("--target", str(target)),
        *("--python-version", "3.13"),
        *("--only-binary", ":all:"),
        *("--requirement", str(requirements)),
        *("--quiet", "--require-hashes", "--no-deps"),
    ]
    if subprocess.run(command, check=False).returncode:
        message = (
            f"What {requirements.resolve()} locks could not be installed for {architecture}; the reason stands above."
        )
        raise BuildError(message)


def installer(architecture: str) -> list[str]:
    """The command that installs for `architecture`: uv where it is found, since it is faster, else pip."""
    machine = MACHINES[architecture]
    uv = shutil.which("uv") or shutil.which(HERE.parents[1] / ".venvs" / "uv" / "bin" / "uv")
    if uv:
        platform = f"{machine}-manylinux_2_{NEWEST_GLIBC}"
        return [uv, "pip", "install", "--python", sys.executable, "--python-platform", platform, "--link-mode", "copy"]
    if not find_spec("pip"):
        message = f"{sys.executable} has no pip: install uv, or pip for this Python, and build again."
        raise BuildError(message)
    tags = [f"manylinux_2_{minor}_{machine}" for minor in range(NEWEST_GLIBC, OLDEST_GLIBC - 1, -1)]
    platforms = [f"--platform={tag}" for tag in (*tags, f"manylinux2014_{machine}")]
    return [sys.executable, "-m", "pip", "install", "--implementation", "cp", "--no-compile", *platforms]


def prune(site: Path, services: Iterable[str]) -> None:
    """Remove from the installed packages in `site` what no function needs.

    Args:
        site: a folder that packages were installed into.
        services: the AWS services whose models botocore keeps; there are over 400, and they are most of its size.
    """
    kept = set(services)
    for path in sorted(site.rglob("*"), reverse=True):
        relative = path.relative_to(site)
        if _is_pruned(relative) or _is_unused_model(path, relative, kept):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _is_pruned(relative: Path) -> bool:
    if relative.parts[0].endswith(".dist-info"):
        return _matches(relative.name, PRUNED_METADATA)
    patterns = PRUNED_ANYWHERE if len(relative.parts) > 1 else (*PRUNED_ANYWHERE, *PRUNED_AT_ROOT)
    return _matches(relative.name, patterns)


def _is_unused_model(path: Path, relative: Path, services: set[str]) -> bool:
    in_data_folder = relative.parts[:-1] in {("botocore", "data"), ("boto3", "data")}
    return in_data_folder and path.is_dir() and relative.name not in services


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def used_services() -> list[str]:
    """The AWS services that functions call, as botocore names them."""
    return (HERE / "botocore-services.txt").read_text(encoding="utf-8").split()


def compile_bytecode(artifact: Path) -> None:
    """Compile every module in `artifact`.

    The bytecode is never checked against its source when it is loaded: archives change the time stamps that a check
    goes by.
    """
    compileall.compile_dir(
        artifact,
        quiet=2,
        force=True,
        stripdir=artifact,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


if __name__ == "__main__":
    main()
