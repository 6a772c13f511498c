"""The tests without a mutant: the lines that each of them runs, and its duration."""

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
        seconds: The CPU seconds of each test by id, with its fixtures.
        lines: The tests that run each line of each file of the product: `lines[file][7]`.
        libraries: The library modules that the tests have loaded.
    """

    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    lines: dict[Path, dict[int, list[str]]] = field(default_factory=dict)
    libraries: list[str] = field(default_factory=list)

    def tests_for(self, mutant: Mutant) -> list[str]:
        """Returns the tests that can detect a mutant, first those that run its line.

        A statement outside of functions, such as a constant, is covered by the tests of functions that use its name.
        """
        module = PACKAGE / mutant.module
        if mutant.first:
            covering = self._tests_of(Lines(module, mutant.first, mutant.last))
            first = self._tests_of(Lines(module, mutant.line, mutant.line))
        else:
            covering = {test for lines in users(mutant.names, self.lines) for test in self._tests_of(lines)}
            covering |= {test for test in self.seconds if mutant.names & _words(test.partition("::")[0])}
            first = self._tests_of(Lines(module, 1, sys.maxsize))
        return self._in_order(first & covering) + self._in_order(covering - first)

    def _in_order(self, tests: set[str]) -> list[str]:
        """Returns the tests sorted by file, since module fixtures are set up once per file; the fastest first."""
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
    """Records the lines that each test runs, and its duration."""

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
        slow: Files to leave out.

    Raises:
        RuntimeError: A test fails.
    """
    receiver, sender = PROCESSES.Pipe(duplex=False)
    child = PROCESSES.Process(target=_observe, args=(sender, tuple(slow)))
    child.start()
    sender.close()
    try:
        baseline: Baseline = receiver.recv()
    except EOFError:
        raise RuntimeError("the tests fail without a mutant: run `make unit`") from None
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
