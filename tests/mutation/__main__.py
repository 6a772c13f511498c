"""Mutation testing of the domain and the steps: `make mutants`.

Each location of the code is changed in turn, and the unit tests that run it must fail. A surviving mutant is a change
that no test detects; it needs a test or an explanation in `survivors.toml`. Otherwise the run fails.
"""

import argparse
import json
import os
import sys
import time
from argparse import RawTextHelpFormatter
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.machine import RESULTS, load, machine, today, versions
from tests.mutation.baseline import Baseline, observe
from tests.mutation.mutants import PACKAGE, Mutant, modules, mutants_of
from tests.mutation.running import outcomes
from tests.mutation.survivors import Explanations, as_toml, read_explanations

RESULT: Final = RESULTS / "mutants.json"
SLOW: Final = ("tests/unit/core/test_move_properties.py", "tests/unit/core/test_ingestion_properties.py")
"""Property tests of interleavings: they take 30 seconds per mutant, and the steps have tests of their own."""
SECONDS_BETWEEN_LINES: Final = 30
"""The interval of progress lines without a terminal."""

type Outcomes = list[tuple[Mutant, str]]


def main() -> int:
    """Runs the mutation tests; returns 1 if a survivor has no explanation."""
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__, formatter_class=RawTextHelpFormatter)
    parser.add_argument("only", nargs="*", help="modules, such as domain/money.py or money (default: all)")
    parser.add_argument("--jobs", type=int, default=os.process_cpu_count(), help="number of concurrent mutants")
    options = parser.parse_args()
    console = Console(stderr=True, highlight=False)
    chosen = [path for path in modules() if not options.only or _is_named(path, options.only)]
    if not chosen:
        parser.error(f"no module is named {' or '.join(options.only)}")
    explanations = read_explanations()
    began, load_before = time.monotonic(), load()

    console.print("running the tests without a mutant")
    baseline = observe(SLOW)
    console.print(f"{len(baseline.seconds)} tests pass; changing {len(chosen)} modules")
    mutants = [mutant for path in chosen for mutant in mutants_of(path)]
    found: Outcomes = []
    for mutant, outcome in _run(mutants, baseline, options.jobs, console):
        found.append((mutant, outcome))
        if outcome == "survived" and mutant.key not in explanations.reasons:
            print(f"\n# line {mutant.line}, {mutant.operator}\n{as_toml(mutant)}", flush=True)

    result = _summary(found, explanations)
    if len(chosen) == len(modules()):
        measured = {"date": today(), "machine": machine(), "load_before": load_before, "jobs": options.jobs}
        measured |= {
            "minutes": round((time.monotonic() - began) / 60, 1),
            "versions": versions("cosmic-ray", "hypothesis", "pytest"),
        }
        RESULT.write_text(json.dumps(measured | result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return _report(found, explanations, result)


def _is_named(path: Path, names: list[str]) -> bool:
    return bool({path.stem, path.name, path.relative_to(PACKAGE).as_posix()} & set(names))


def _run(mutants: list[Mutant], baseline: Baseline, jobs: int, console: Console) -> Iterator[tuple[Mutant, str]]:
    """Yields each mutant with its outcome, in the order of completion."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task, survived, shown_at = bar.add_task("mutants", total=len(mutants)), 0, time.monotonic()
        for number, (mutant, outcome) in enumerate(outcomes(mutants, baseline, SLOW, jobs), start=1):
            survived += outcome == "survived"
            bar.update(task, completed=number, description=f"{survived} survived")
            if not console.is_terminal and time.monotonic() - shown_at > SECONDS_BETWEEN_LINES:
                shown_at = time.monotonic()
                console.print(f"{number} of {len(mutants)} mutants, {survived} survived; in {mutant.module}")
            yield mutant, outcome


def _summary(outcomes: Outcomes, explanations: Explanations) -> dict[str, Any]:
    """Returns the result: counts and scores in total and by module, and each survivor with its reason."""
    by_module: dict[str, Outcomes] = {}
    for mutant, outcome in outcomes:
        by_module.setdefault(mutant.module, []).append((mutant, outcome))
    survivors = [
        mutant for mutant, outcome in sorted(outcomes, key=lambda o: (o[0].key, o[0].line)) if outcome == "survived"
    ]
    return _counts(outcomes, explanations) | {
        "modules": {module: _counts(some, explanations) for module, some in sorted(by_module.items())},
        "survivors": [
            {
                "module": mutant.module,
                "function": mutant.function,
                "line": mutant.line,
                "code": mutant.before,
                "mutant": mutant.after,
                "equivalent": mutant.key in explanations.equivalent,
                "reason": explanations.reasons.get(mutant.key, "not explained"),
            }
            for mutant in survivors
        ],
    }


def _counts(outcomes: Outcomes, explanations: Explanations) -> dict[str, Any]:
    """Returns the counts and the score: the percentage of detected mutants among those that are not equivalent."""
    counted = Counter(outcome for _, outcome in outcomes)
    equivalent = sum(outcome == "survived" and m.key in explanations.equivalent for m, outcome in outcomes)
    detected = counted["killed"] + counted["timeout"]
    return {
        "total": len(outcomes),
        "killed": counted["killed"],
        "timeouts": counted["timeout"],
        "survived": counted["survived"],
        "equivalent": equivalent,
        "score": round(100 * detected / max(1, len(outcomes) - equivalent), 1),
    }


def _report(outcomes: Outcomes, explanations: Explanations, result: dict[str, Any]) -> int:
    survivors = [mutant for mutant, outcome in outcomes if outcome == "survived"]
    unexplained = [mutant for mutant in survivors if mutant.key not in explanations.reasons]
    for key in explanations.unneeded(result["modules"], survivors):
        print(f"\nan explanation that is no longer needed: {' | '.join(key)}")
    counts = {name: result[name] for name in ("total", "killed", "timeouts", "survived", "equivalent", "score")}
    print("\n" + ", ".join(f"{name} {count}" for name, count in counts.items()))
    if unexplained:
        print(f"{len(unexplained)} mutants survived without explanation: write a test or an entry in survivors.toml")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
