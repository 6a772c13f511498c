import os
import subprocess
from pathlib import Path

import pytest

from tests.rie.emulator import REPOSITORY

ELF_MACHINES = {"arm64": 183, "x86_64": 62}  # EM_AARCH64, EM_X86_64 of the ELF specification
MEGABYTE = 1_000_000
# Unzipped. Lambda's limit for a function and its layers is 250 MB; cold starts want far less.
BUDGETS = {"Authorize": 18, "CoreLayer": 22, "ChunkText": 55, "ExtractText": 60}
SMALL_FUNCTION = 0.2
FOLDERS = {
    "".join(word.title() for word in app.parent.name.split("_")): app.parent
    for app in (REPOSITORY / "functions").glob("*/app.py")
} | {"CoreLayer": REPOSITORY / "layers/core"}


@pytest.fixture(scope="module", params=sorted(ELF_MACHINES))
def architecture(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module", params=sorted(FOLDERS))
def artifact(request: pytest.FixtureRequest, architecture: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns an artifact built as by `sam build`: with the same make target and variable, in the function's folder."""
    name = str(request.param)
    target = tmp_path_factory.mktemp(architecture) / name
    makefile = REPOSITORY / "layers/packaging" / architecture / "Makefile"
    subprocess.run(
        ["make", "--silent", "--makefile", str(makefile), f"build-{name}"],  # noqa: S607 - as sam calls it
        cwd=FOLDERS[name],
        env={**os.environ, "ARTIFACTS_DIR": str(target)},
        check=True,
    )
    return target


def test_every_module_has_its_bytecode(artifact: Path) -> None:
    modules = list(artifact.rglob("*.py"))
    missing = [
        module for module in modules if not (module.parent / f"__pycache__/{module.stem}.cpython-313.pyc").exists()
    ]
    assert modules
    assert not missing


def test_nothing_for_developers_is_shipped(artifact: Path) -> None:
    unwanted = {
        "tests",
        "test",
        "_tests",
        "README.md",
        "README.rst",
        "requirements.txt",
        "requirements.in",
        "Makefile",
        "bin",
    }
    assert not [path for path in artifact.rglob("*") if path.name in unwanted or path.suffix == ".pyi"]


def test_a_layer_is_under_python_and_a_function_at_the_root(artifact: Path) -> None:
    found = {path.name for path in artifact.iterdir()}
    if artifact.name == "CoreLayer":
        assert found == {"python"}
        assert (artifact / "python/onggi/__init__.py").exists()
    else:
        assert "app.py" in found


def test_the_font_of_the_pdf_reader_is_shipped(artifact: Path) -> None:
    fonts = [path.relative_to(artifact) for path in artifact.rglob("*.ttf")]
    assert fonts == ([Path("readers/fonts/boxes.ttf")] if artifact.name == "ExtractText" else [])


def test_extension_modules_are_for_the_architecture(artifact: Path, architecture: str) -> None:
    extensions = [*artifact.rglob("*.so"), *artifact.rglob("*.so.*")]
    # e_machine is the 16-bit number at byte 18 of an ELF file.
    machines = {int.from_bytes(path.read_bytes()[18:20], "little") for path in extensions}
    assert machines <= {ELF_MACHINES[architecture]}
    assert bool(extensions) == (artifact.name in {"Authorize", "ChunkText", "ExtractText"})


def test_the_size_stays_within_its_budget(artifact: Path) -> None:
    size = sum(path.stat().st_size for path in artifact.rglob("*") if path.is_file()) / MEGABYTE
    assert size <= BUDGETS.get(artifact.name, SMALL_FUNCTION)


def test_every_package_keeps_its_metadata(artifact: Path) -> None:
    assert all((folder / "METADATA").exists() for folder in artifact.rglob("*.dist-info"))
