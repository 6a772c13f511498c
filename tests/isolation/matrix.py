"""The matrix of attacks and the isolation layers that denied them."""

import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.isolation.attacks import ENFORCING, Attack, Layers, Outcome, fault

NOT_APPLICABLE: Final = "–"


@dataclass
class Matrix:
    """The verdicts of a run, by attack and active layers."""

    verdicts: dict[str, dict[Layers, list[str]]] = field(default_factory=dict)
    controls: int = 0

    def record(self, attack: Attack, layers: Layers, outcome: Outcome) -> str:
        """Records the verdict of an outcome; returns the error, or an empty string if the attack was denied."""
        error = fault(outcome, layers)
        self.verdicts.setdefault(str(attack), {}).setdefault(layers, []).append(error or "denied")
        return error

    def row(self, attack: str) -> dict[str, Any]:
        verdicts = self.verdicts[attack]
        alone = {layers: self._verdict(verdicts.get(layers)) for layers in ENFORCING}
        by = [
            name
            for name, layers in (("application", Layers.APPLICATION), ("IAM", Layers.IAM))
            if alone[layers] == "denied"
        ]
        return {
            "attack": attack,
            **{str(layers): verdict for layers, verdict in alone.items()},
            "denied_by": "both" if len(by) > 1 else "".join(by) or "none",
        }

    def _verdict(self, each: list[str] | None) -> str:
        if each is None:
            return NOT_APPLICABLE
        return next((verdict for verdict in each if verdict != "denied"), "denied")

    def report(self) -> dict[str, Any]:
        rows = [self.row(attack) for attack in self.verdicts]
        tried = {
            layers: sum(len(verdicts.get(layers, [])) for verdicts in self.verdicts.values()) for layers in ENFORCING
        }
        return {
            "attacks": len(rows),
            "tried": tried,
            "denied_by": dict(Counter(row["denied_by"] for row in rows)),
            "allowed": [
                row["attack"]
                for row in rows
                if any(row[layers] not in {"denied", NOT_APPLICABLE} for layers in ENFORCING)
            ],
            "same_action_on_own_things": self.controls,
            "matrix": rows,
        }

    def write(self, path: Path) -> None:
        path.write_text(json.dumps(self.report(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")

    def lines(self) -> list[str]:
        """Returns the matrix as lines of text."""
        report = self.report()
        rows = [(row["attack"], *(row[layers] for layers in ENFORCING), row["denied_by"]) for row in report["matrix"]]
        table = [("attack", *ENFORCING, "denied by"), *rows]
        lines = [f"{each[0]:<88} {each[1]:<12} {each[2]:<18} {each[3]:<12} {each[4]}" for each in table]
        tried = ", ".join(f"{layers}: {count}" for layers, count in report["tried"].items())
        by = ", ".join(f"{layer}: {count}" for layer, count in sorted(report["denied_by"].items()))
        lines += [
            "",
            f"{report['attacks']} attacks, over HTTP against one other tenant, else against each; run with {tried}",
        ]
        lines += [f"attacks denied by {by}; allowed: {len(report['allowed'])}"]
        lines += [f"{report['same_action_on_own_things']} control actions of tenants on their own data succeeded"]
        return lines
