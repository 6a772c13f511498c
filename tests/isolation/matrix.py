"""What was tried, and which wall denied it."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.isolation.attacks import HELD, Attack, Outcome, Walls, fault

NOT_MET: Final = "–"


@dataclass
class Matrix:
    """The verdicts of a run, by attack and by the walls that stood."""

    verdicts: dict[str, dict[Walls, list[str]]] = field(default_factory=dict)
    controls: int = 0

    def note(self, attack: Attack, walls: Walls, outcome: Outcome) -> str:
        """Keeps a verdict; returns what is wrong, empty where the attack was denied."""
        wrong = fault(outcome, walls)
        self.verdicts.setdefault(str(attack), {}).setdefault(walls, []).append(wrong or "denied")
        return wrong

    def row(self, attack: str) -> dict[str, Any]:
        verdicts = self.verdicts[attack]
        alone = {walls: self._verdict(verdicts.get(walls)) for walls in HELD}
        by = [
            name for name, walls in (("application", Walls.APPLICATION), ("IAM", Walls.IAM)) if alone[walls] == "denied"
        ]
        return {
            "attack": attack,
            **{str(walls): verdict for walls, verdict in alone.items()},
            "denied_by": "both" if len(by) > 1 else "".join(by) or "nobody",
        }

    def _verdict(self, each: list[str] | None) -> str:
        if each is None:
            return NOT_MET
        return next((verdict for verdict in each if verdict != "denied"), "denied")

    def report(self) -> dict[str, Any]:
        rows = [self.row(attack) for attack in self.verdicts]
        tried = {walls: sum(len(verdicts.get(walls, [])) for verdicts in self.verdicts.values()) for walls in HELD}
        return {
            "attacks": len(rows),
            "tried": tried,
            "denied_by": dict(Counter(row["denied_by"] for row in rows)),
            "allowed": [row["attack"] for row in rows if any(row[walls] not in {"denied", NOT_MET} for walls in HELD)],
            "same_action_on_own_things": self.controls,
            "matrix": rows,
        }

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.report(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def lines(self) -> list[str]:
        """The matrix for people."""
        report = self.report()
        rows = [(row["attack"], *(row[walls] for walls in HELD), row["denied_by"]) for row in report["matrix"]]
        table = [("attack", *HELD, "denied by"), *rows]
        lines = [f"{each[0]:<88} {each[1]:<12} {each[2]:<18} {each[3]:<12} {each[4]}" for each in table]
        tried = ", ".join(f"{walls}: {count}" for walls, count in report["tried"].items())
        by = ", ".join(f"{wall}: {count}" for wall, count in sorted(report["denied_by"].items()))
        lines += [
            "",
            f"{report['attacks']} attacks, over HTTP towards one other tenant, else towards each; tried with {tried}",
        ]
        lines += [f"attacks denied by {by}; allowed: {len(report['allowed'])}"]
        lines += [f"{report['same_action_on_own_things']} of them done by a tenant on its own things, and answered"]
        return lines
