"""The tests without a mutant: which of them run which lines, and how long each takes."""

import re
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path

import coverage
import pytest

from benchmarks.machine import REPOSITORY
from tests.mutation.mutants import PACKAGE, Mutant
from tests.mutation.names import Lines, users
from tests.mutation.pytest_process import PROCESSES, run_pytest


@dataclass
class Baseline:
    """The tests without a mutant.

    Attributes:
        seconds: what each test took, by its id, with what was set up for it.
        lines: the tests by each line of each file of the product that they run: `lines[file][7]`.
        libraries: the modules of libraries that they have loaded.
    """

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    lines: dict[Path, dict[int, list[str]]] = field(default_factory=dict)
    libraries: list[str] = field(default_factory=list)

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Returns the tests that can see a mutant: first those that run its line.

        What stands outside of functions, such as a constant, is seen by the tests of those who use its name.
        """
        module = PACKAGE / mutant.module
        if mutant.first:
            seen = self._tests_of(Lines(module, mutant.first, mutant.last))
            first = self._tests_of(Lines(module, mutant.line, mutant.line))
        else:
            seen = {test for lines in users(mutant.names, self.lines) for test in self._tests_of(lines)}
            seen |= {test for test in self.seconds if mutant.names & _words(test.partition("::")[0])}
            first = self._tests_of(Lines(module, 1, sys.maxsize))
        return self._in_order(first & seen) + self._in_order(seen - first)

    def _in_order(self, tests: set[str]) -> list[str]:
        """Tests file by file, since what a file has set up is set up once; the fastest first."""
        files: dict[str, float] = defaultdict(float)
        for test in tests:
            files[test.partition("::")[0]] += self.seconds[test]
        return sorted(
            tests, key=lambda test: (files[test.partition("::")[0]], test.partition("::")[0], self.seconds[test], test)
        )

    def _tests_of(self, wanted: Lines) -> set[str]:
        lines = self.lines.get(wanted.file, {})
        return {test for line, tests in lines.items() if wanted.first <= line <= wanted.last for test in tests}


@cache
def _words(test_file: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", (REPOSITORY / test_file).read_text(encoding="utf-8")))


class _Observer:
    """Notes which lines each test runs, and how long it takes."""

    def __init__(self, baseline: Baseline, observed: coverage.Coverage) -> None:
        self._baseline, self._observed = baseline, observed

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._observed.switch_context(item.nodeid)
        began = time.process_time()
        outcome = yield
        self._baseline.seconds[item.nodeid] += time.process_time() - began
        return outcome


def observe(slow: Iterable[str]) -> Baseline:
    """Runs all tests once without a mutant.

    Args:
        slow: files that are left out.

    Raises:
        RuntimeError: when one of them fails.
    """
    here, there = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=_observe, args=(there, tuple(slow)))
    child.start()
    there.close()
    try:
        baseline: Baseline = here.recv()
    except EOFError:
        raise RuntimeError("the tests do not pass as they are: make unit") from None
    child.join()
    return baseline


def _observe(answer: Connection, slow: Sequence[str]) -> None:
    observed = coverage.Coverage(
        data_file=None,
        include=[f"{PACKAGE}/*", f"{REPOSITORY}/functions/*"],
        config_file=False,
    )
    baseline = Baseline()
    observed.start()
    if run_pytest([f"--ignore={file}" for file in slow], _Observer(baseline, observed)):
        sys.exit(1)
    observed.stop()
    data = observed.get_data()
    for file in data.measured_files():
        lines = {line: [test for test in tests if test] for line, tests in data.contexts_by_lineno(file).items()}
        baseline.lines[Path(file)] = lines
    site_packages = str(Path(pytest.__file__).parents[1])
    baseline.libraries = [
        name for name, module in sys.modules.items() if str(getattr(module, "__file__", "")).startswith(site_packages)
    ]
    baseline.seconds = dict(baseline.seconds)
    answer.send(baseline)
