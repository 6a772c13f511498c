"""The mutants, and their use in place of the code without changing a file."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

pytest.importorskip("cosmic_ray", reason="it has an environment of its own: make mutants")

from tests.mutation import mutants as made
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.names import Lines, names_defined_at, users
from tests.mutation.placing import exchange_function
from tests.mutation.survivors import as_toml, read_explanations

SOURCE = """\
from typing import Literal
KIND: Literal["a", "b"] = "a"
LIMITS = (1, 2)

class Box:
    @property
    def size(self) -> int | None:
        note("looked")
        return 3 if self.there else None

def note(word: str, *, loud: bool = False) -> None:
    print(word, end="", flush=loud)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(made, "PACKAGE", tmp_path)
    (tmp_path / "domain").mkdir()
    path = tmp_path / "domain" / "box.py"
    path.write_text(SOURCE, encoding="utf-8")
    return path


def changes(module: Path, operator: str) -> list[tuple[str, str, str]]:
    return [(m.function, m.before, m.after) for m in mutants_of(module) if m.operator == operator]


def test_numbers_are_changed_in_place(module: Path) -> None:
    assert [after for _, _, after in changes(module, "NumberReplacer")] == [
        "LIMITS = ( 2, 2)",
        "LIMITS = ( 0, 2)",
        "LIMITS = (1, 3)",
        "LIMITS = (1, 1)",
        "return 4 if self.there else None",
        "return 2 if self.there else None",
    ]


def test_a_call_with_an_effect_is_removed(module: Path) -> None:
    assert changes(module, "RemoveCall") == [
        ("Box.size", 'note("looked")', "pass"),
        ("note", 'print(word, end="", flush=loud)', "pass"),
    ]


def test_elements_and_keyword_arguments_are_removed(module: Path) -> None:
    assert changes(module, "RemoveElement") == [
        ("", "LIMITS = (1, 2)", "LIMITS = ( 2)"),
        ("", "LIMITS = (1, 2)", "LIMITS = (1,)"),
        ("note", 'print(word, end="", flush=loud)', "print(word, flush=loud)"),
        ("note", 'print(word, end="", flush=loud)', 'print(word, end="",)'),
    ]


def test_words_are_replaced_and_types_are_not(module: Path) -> None:
    assert [after for _, _, after in changes(module, "ReplaceWord")] == [
        'KIND: Literal["a", "b"] = "mutant"',
        'note("mutant")',
        'print(word, end="mutant", flush=loud)',
    ]


def test_a_default_is_not_in_the_body(module: Path) -> None:
    (mutant,) = (m for m in mutants_of(module) if m.operator == "ReplaceFalseWithTrue")
    assert (mutant.function, mutant.first, mutant.names) == ("", 0, frozenset({"note"}))


def test_a_function_is_replaced_in_memory_only(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    box = ModuleType("onggi.domain.box")
    exec(compile(SOURCE, str(module), "exec"), vars(box))  # noqa: S102 - our own code
    monkeypatch.setitem(sys.modules, "onggi.domain.box", box)
    thing = box.Box()
    thing.there = True
    assert thing.size == 3
    changed = next(m for m in mutants_of(module) if "return 4" in m.after)
    assert exchange_function(changed)
    assert thing.size == 4, "existing imports use the mutant, too"
    assert module.read_text(encoding="utf-8") == SOURCE


def test_users_of_a_constant_and_of_derived_constants_are_found(tmp_path: Path) -> None:
    one, other = tmp_path / "one.py", tmp_path / "other.py"
    one.write_text("A = 1\nB = A + 1\n\ndef f():\n    return A\n", encoding="utf-8")
    other.write_text("from one import B\n\ndef g():\n    return B\n\ndef h():\n    return 0\n", encoding="utf-8")
    assert names_defined_at(one.read_text(encoding="utf-8"), 1) == {"A"}
    assert users(frozenset({"A"}), [one, other]) == [Lines(one, 4, 5), Lines(other, 3, 4)]


def test_an_explanation_template_can_be_read(tmp_path: Path, module: Path) -> None:
    mutant: Mutant = next(mutants_of(module))
    file = tmp_path / "survivors.toml"
    file.write_text(as_toml(mutant), encoding="utf-8")
    with pytest.raises(ValueError, match="no reason"):
        read_explanations(file)
    file.write_text(as_toml(mutant).replace('reason = ""', 'reason = "It is only a sketch."'), encoding="utf-8")
    explanations = read_explanations(file)
    assert explanations.reasons == {mutant.key: "It is only a sketch."}
    assert explanations.unneeded(["domain/box.py"], []) == [mutant.key]
    assert explanations.unneeded(["domain/box.py"], [mutant]) == []
    assert explanations.unneeded(["domain/other.py"], []) == []
