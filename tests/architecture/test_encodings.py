"""Text is read and written in UTF-8, by name: the default depends on the locale of the machine."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDERS = (".ci", "benchmarks", "cli", "functions", "layers", "local", "tests")
TEXT_MODES = {"r", "w", "a", "x", "r+", "w+"}


def calls(source: str) -> Iterator[tuple[str, str, ast.Call]]:
    """Each call, with the name of what is called and the expression that it is called on."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield node.func.attr, ast.unparse(node.func.value), node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield node.func.id, "", node


def depends_on_the_locale(name: str, on: str, call: ast.Call) -> bool:
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    if "encoding" in named:
        return False
    if name in {"read_text", "write_text"} and "rtifacts" not in on:  # VersionArtifacts has methods of these names
        return len(call.args) < ("read_text", "write_text").index(name) + 1
    if name == "open" and on not in {"os", "tarfile"}:
        default = [] if on else [ast.Constant("r")]
        modes = [named["mode"]] if "mode" in named else call.args[0 if on else 1 :][:1] or default
        return any(isinstance(mode, ast.Constant) and mode.value in TEXT_MODES for mode in modes)
    return name in {"run", "Popen", "check_output"} and ("text" in named or "universal_newlines" in named)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_text_file_and_pipe_has_an_encoding(folder: str) -> None:
    found = [
        f"{path.relative_to(REPOSITORY)}:{call.lineno}"
        for path in sorted((REPOSITORY / folder).rglob("*.py"))
        for name, on, call in calls(path.read_text(encoding="utf-8"))
        if depends_on_the_locale(name, on, call)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("path.read_text()", True),
        ("path.read_text(errors='replace')", True),
        ("path.read_text('utf-8')", False),
        ("path.write_text(text)", True),
        ("path.write_text(text, encoding='utf-8')", False),
        ("artifacts.read_text()", False),
        ("open(path)", True),
        ("open(path, 'w')", True),
        ("path.open('w')", True),
        ("path.open('rb')", False),
        ("open(path, 'rb')", False),
        ("archive.open(name, 'w')", False),
        ("os.open(path, os.O_RDONLY)", False),
        ("subprocess.run(command, text=True)", True),
        ("subprocess.run(command)", False),
    ],
)
def test_what_depends_on_the_locale_is_noticed(line: str, *, expected: bool) -> None:
    assert [depends_on_the_locale(*found) for found in calls(line)] == [expected]
