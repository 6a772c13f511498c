import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rie.emulator import Runtime, is_built, make_runtime
from tests.rie.stack import DeployedFunctions, deployed


@pytest.fixture(scope="session")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Runtime:
    base = Path(getattr(sys, "_base_executable"))  # noqa: B009 - private, and all there is: the interpreter behind a venv
    return make_runtime(tmp_path_factory.mktemp("runtime"), base)


@pytest.fixture(scope="session")
def functions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedFunctions]:
    if not is_built():
        pytest.fail("nothing is built: run `make build` first")
    with deployed(tmp_path_factory.mktemp("cloud")) as stack:
        functions = DeployedFunctions(stack)
        functions.onboard("acme")
        yield functions
