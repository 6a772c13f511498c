import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.rie.emulator import BUILD, is_built, make_runtime
from tests.sam_local.image import make_image


def missing_engine() -> str | None:
    """Why no container engine can be used, as a sentence, or None where one can."""
    if not shutil.which("docker"):
        return "no `docker` command is installed"
    asked = subprocess.run(["docker", "info"], capture_output=True, encoding="utf-8", check=False)  # noqa: S607 - whichever docker the user has
    if asked.returncode:
        return f"no container engine answers: {asked.stderr.strip() or asked.stdout.strip()}"
    return None


@pytest.fixture(scope="session")
def image(tmp_path_factory: pytest.TempPathFactory) -> str:
    reason = missing_engine()
    if reason:
        pytest.skip(f"`sam local` needs a container engine, and {reason}")
    if not is_built():
        pytest.fail("nothing is built: run `make build` first")
    base = Path(getattr(sys, "_base_executable"))  # noqa: B009 - private, and all there is: the interpreter behind a venv
    return make_image(make_runtime(tmp_path_factory.mktemp("runtime"), base), BUILD)
