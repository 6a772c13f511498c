import json
import tomllib
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.errors import StackError
from tests.unit.cli.fakes import Shell, Terminal, reply
from tests.unit.cli.uploads import BASE, document


def test_an_error_is_one_sentence_or_one_json_document(shell: Shell) -> None:
    shell.store_key("hanbit")
    problem = {
        "type": "https://onggi.dev/problems/invalid_request",
        "title": "Bad request",
        "status": 400,
        "detail": "The request is not valid.",
        "errors": [{"field": "question", "message": "is empty"}],
    }
    shell.transport.on("POST", f"{BASE}/query", reply(400, problem))
    assert shell.run("ask", "") == 1
    assert shell.err.getvalue() == "onggi: The request is not valid (question: is empty).\n"
    assert shell.out.getvalue() == ""
    assert shell.run("ask", "", "--json") == 1
    assert json.loads(shell.err.getvalue()) == {
        "error": {"code": "invalid_request", "message": "The request is not valid (question: is empty)."}
    }


def test_an_unreachable_stack_exits_with_3(shell: Shell) -> None:
    shell.store_key("hanbit")
    shell.transport.on("GET", f"{BASE}/documents", StackError("unreachable", "api.test cannot be reached."))
    assert shell.run("ls") == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_exits_with_4(shell: Shell, status: int) -> None:
    shell.store_key("hanbit")
    shell.transport.on("GET", f"{BASE}/documents", reply(status, {"message": "Forbidden"}))
    assert shell.run("ls") == 4
    assert shell.err.getvalue() == "onggi: Forbidden.\n"


def test_colours_are_printed_on_a_terminal_without_no_color(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    shell.store_key("hanbit")
    shell.transport.on("GET", f"{BASE}/documents", reply(200, {"documents": [document("a")]}))
    assert shell.run("ls") == 0
    assert "\x1b[" not in shell.out.getvalue()
    shell.out = Terminal()
    assert shell.run("ls") == 0
    assert "\x1b[32mready" in shell.out.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    assert shell.run("ls") == 0
    assert "\x1b[32m" not in shell.out.getvalue()


@pytest.mark.parametrize(
    "command",
    [
        ("tenant",), ("tenant", "create"), ("tenant", "list"), ("tenant", "show"), ("tenant", "log"),
        ("tenant", "change"), ("tenant", "suspend"), ("tenant", "resume"), ("tenant", "remove"),
        ("key",), ("key", "list"), ("key", "issue"), ("key", "revoke"),
        ("put",), ("ls",), ("rm",), ("ask",), ("search",), ("usage",),
    ],
)  # fmt: skip
def test_help_shows_an_example(shell: Shell, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        shell.run(*command, "--help")
    assert ended.value.code == 0
    example = capsys.readouterr().out.partition("example")[2]
    assert f"onggi {' '.join(command)}" in example


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"onggi {project['project']['version']}\n"
