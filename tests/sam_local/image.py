"""Makes a stand-in for Lambda's base image out of this machine's own Python, for engines that can pull nothing.

It is this machine's Linux and not Amazon Linux: what it shows is that `sam local` runs the functions, not their system.
"""

import io
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from tests.rie.emulator import Runtime

NAME = "onggi/lambda-stand-in:python3.13"
SHELL_TOOLS = ("sh", "mv", "cp", "rm", "chmod")  # what sam's own Dockerfile calls on top of the base image
LIBRARIES_OF_WHEELS = ("libgcc_s.so.1", "libstdc++.so.6")  # manylinux expects them on the system
LEFT_OUT = {"site-packages", "test", "tkinter", "idlelib", "ensurepip", "turtledemo", "__pycache__", "lib2to3"}
PYTHON_HOME = Path("/var/lang")
BOOTSTRAP = f"""\
#!/bin/sh
exec {PYTHON_HOME}/bin/python3.13 -S -m awslambdaric "$_HANDLER"
"""
CHANGES = (
    "ENV PATH=/var/lang/bin:/usr/bin:/bin",
    "ENV LAMBDA_TASK_ROOT=/var/task",
    "ENV PYTHONPATH=/var/task:/opt/python:/var/runtime",
    "ENV LANG=C.UTF-8",
    # The container reaches nothing outside: calls to AWS are refused at once instead of after many seconds.
    "ENV AWS_ENDPOINT_URL=http://127.0.0.1:9",
    "WORKDIR /var/task",
)


def make_image(runtime: Runtime, artifacts: Path) -> str:
    """Make the image in the engine that `docker` talks to, and return its name.

    Args:
        runtime: the interpreter and the runtime client to put into it.
        artifacts: what was built; the system libraries its extension modules need go in, too.
    """
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        write_root(archive, runtime, artifacts)
        archive.flush()
        changes = [word for change in CHANGES for word in ("--change", change)]
        subprocess.run(["docker", "import", *changes, archive.name, NAME], check=True, stdout=subprocess.DEVNULL)  # noqa: S607 - whichever docker the user has
    return NAME


def write_root(archive: IO[bytes], runtime: Runtime, artifacts: Path) -> None:
    """Write the root file system as a tar archive."""
    library = _standard_library(runtime.python)
    tools = [_tool(name) for name in SHELL_TOOLS]
    extensions = [*(library / "lib-dynload").glob("*.so"), *artifacts.rglob("*.so"), *runtime.path.glob("*.so")]
    with tarfile.open(fileobj=archive, mode="w", dereference=True) as tar:
        for folder in ("tmp", "opt", "var/task", "var/rapid"):
            _add_folder(tar, folder)
        for name, tool in zip(SHELL_TOOLS, tools, strict=True):
            tar.add(tool, f"bin/{name}")
        for path in _libraries([runtime.python, *tools, *extensions]):
            tar.add(path, str(path).lstrip("/"))
        tar.add(runtime.python, f"{PYTHON_HOME}/bin/python3.13".lstrip("/"))
        tar.add(library, f"{PYTHON_HOME}/lib/python3.13".lstrip("/"), filter=_without_what_no_function_needs)
        tar.add(runtime.path, "var/runtime")
        _add_script(tar, "var/runtime/bootstrap", BOOTSTRAP)


def _standard_library(python: Path) -> Path:
    program = "import sysconfig; print(sysconfig.get_path('stdlib'))"
    found = subprocess.run([str(python), "-c", program], check=True, capture_output=True, encoding="utf-8")
    return Path(found.stdout.strip())


def _tool(name: str) -> Path:
    return next(path for folder in ("/bin", "/usr/bin") if (path := Path(folder, name)).exists())


def _libraries(programs: Iterable[Path]) -> Iterator[Path]:
    """Every shared library, and the loader, that the programs and those of wheels need, under the path they ask for."""
    listing = subprocess.run(
        ["/usr/bin/ldd", *map(str, programs)], check=False, capture_output=True, encoding="utf-8"
    ).stdout  # fails where one of them is not dynamic, which is no fault
    found = set(re.findall(r"(/\S+\.so[.\d]*|/\S+/ld-linux\S+) \(0x", listing))
    system = {path for name in LIBRARIES_OF_WHEELS for path in Path("/usr/lib").glob(f"*-linux-gnu/{name}")}
    wanted = {Path(name) for name in found if not re.search(r"lib(tcl|tk|X|xcb)", name)} | system
    return iter(sorted(path for path in wanted if not path.is_relative_to(PYTHON_HOME)))


def _without_what_no_function_needs(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    name = os.path.basename(member.name)  # noqa: PTH119 - a name in an archive, not a path here
    return None if name in LEFT_OUT or name.startswith(("config-3.13", "_tkinter")) else member


def _add_folder(tar: tarfile.TarFile, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o1777
    tar.addfile(member)


def _add_script(tar: tarfile.TarFile, name: str, text: str) -> None:
    content = text.encode()
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o755
    tar.addfile(member, io.BytesIO(content))
