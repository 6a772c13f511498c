"""The explanations of the mutants that no test kills, in `survivors.toml`."""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutation.mutants import Mutant

EXPLANATIONS: Final = Path(__file__).with_name("survivors.toml")

type Key = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Explanations:
    """The explanations of surviving mutants.

    Attributes:
        reasons: A sentence for each mutant, by its key.
        equivalent: The mutants that behave like the code, so that no test can detect them.
    """

    reasons: dict[Key, str]
    equivalent: frozenset[Key]

    def unneeded(self, modules: Iterable[str], survivors: Iterable[Mutant]) -> list[Key]:
        """Returns the explanations of some modules whose mutant is now killed or no longer generated."""
        surviving, wanted = {mutant.key for mutant in survivors}, set(modules)
        return [key for key in self.reasons if key[0] in wanted and key not in surviving]


def read_explanations(path: Path = EXPLANATIONS) -> Explanations:
    """Reads the explanations.

    Raises:
        ValueError: An explanation has no reason or exists twice.
    """
    reasons: dict[Key, str] = {}
    equivalent = set()
    for entry in tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", []):
        for mutant in entry["mutants"]:
            key = (entry["module"], entry["function"], entry["code"], mutant)
            if not entry["reason"].strip() or key in reasons:
                raise ValueError(f"{path.name}: no reason, or two of them: {key}")
            reasons[key] = entry["reason"]
            if entry["equivalent"]:
                equivalent.add(key)
    return Explanations(reasons, frozenset(equivalent))


def as_toml(mutant: Mutant) -> str:
    """Returns a survivor as an entry of the file, without a reason."""
    quoted = "'{}'" if "'" not in mutant.before + mutant.after else "'''{}'''"
    return "\n".join(
        (
            "[[survivor]]",
            f'module = "{mutant.module}"',
            f'function = "{mutant.function}"',
            f"code = {quoted.format(mutant.before)}",
            f"mutants = [{quoted.format(mutant.after)}]",
            "equivalent = false",
            'reason = ""',
        )
    )
