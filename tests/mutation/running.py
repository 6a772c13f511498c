"""Runs the tests of each mutant in its own process, forked from one that has loaded as much as possible.

A function is exchanged in a process that has imported all tests, which takes some 50 ms. What runs when its module is
imported needs a process that has imported the libraries only, which takes a second; what was not killed is tried once
more in one of these.
"""

import contextlib
import gc
import importlib
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from multiprocessing.connection import Connection, wait
from typing import Final

import pytest

from tests.mutation.baseline import Baseline
from tests.mutation.mutants import Mutant
from tests.mutation.placing import exchange_function, import_instead
from tests.mutation.pytest_process import PROCESSES, run_pytest

MEMORY: Final = 4 * 1024**3
"""The limit of a child's address space in bytes, for mutants that fill a list endlessly."""
LEAST_SECONDS: Final = 5
PATIENCE: Final = 5
"""The timeout of a mutant, as a multiple of the CPU time of its tests without it."""
WAITING: Final = 20
"""The timeout by wall clock, as a multiple of that CPU time."""
NOT_EXCHANGED: Final = 77

type Outcome = str
"""`survived`, `killed` or `timeout`."""


def outcomes(
    mutants: Sequence[Mutant], baseline: Baseline, slow: Sequence[str], jobs: int
) -> Iterator[tuple[Mutant, Outcome]]:
    """Yields each mutant with its outcome, in the order of completion.

    Args:
        mutants: what is tried.
        baseline: the tests as they are.
        slow: files of tests that are left out.
        jobs: how many mutants at a time.
    """
    importing = [mutant for mutant in mutants if not mutant.first]
    here, there = PROCESSES.Pipe(duplex=False)
    inside = [mutant for mutant in mutants if mutant.first]
    server = PROCESSES.Process(target=_serve, args=(there, inside, baseline, slow, jobs))
    server.start()
    there.close()
    with contextlib.suppress(EOFError):
        while True:
            number, outcome = here.recv()
            if outcome != "killed":  # values that tests computed during collection come from the unchanged code
                importing.append(inside[number])
            else:
                yield inside[number], outcome
    server.join()
    if server.exitcode:
        raise RuntimeError("the process that runs the mutants has ended early")
    _import_libraries(baseline.libraries)
    for number, outcome in _run_all(importing, baseline, jobs, _import_and_test):
        assert outcome is not None, "only functions are exchanged"
        yield importing[number], outcome


def _serve(answers: Connection, mutants: Sequence[Mutant], baseline: Baseline, slow: Sequence[str], jobs: int) -> None:
    sys.exit(run_pytest([f"--ignore={file}" for file in slow], _Server(answers, mutants, baseline, jobs)))


class _Server:
    """Replaces pytest's loop over the tests by one loop per mutant, each in a child process."""

    def __init__(self, answers: Connection, mutants: Sequence[Mutant], baseline: Baseline, jobs: int) -> None:
        self._answers, self._mutants, self._baseline, self._jobs = answers, mutants, baseline, jobs

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}

        def test(mutant: Mutant, tests: Sequence[str]) -> int:
            if not exchange_function(mutant):
                return NOT_EXCHANGED
            return _passes(session, [items[test] for test in tests])

        gc.freeze()
        for answer in _run_all(self._mutants, self._baseline, self._jobs, test):
            self._answers.send(answer)
        return True


def _passes(session: pytest.Session, items: Sequence[pytest.Item]) -> int:
    for item, following in pairwise([*items, None]):
        assert item is not None, "only the last one has none behind it"
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            return 1
    return 0


def _import_and_test(mutant: Mutant, tests: Sequence[str]) -> int:
    import_instead(mutant)
    return run_pytest([], _Selected(tests), _files_of(tests)) if tests else 0


class _Selected:
    def __init__(self, tests: Sequence[str]) -> None:
        self._ranks = {test: rank for rank, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [item for item in items if item.nodeid in self._ranks]
        items[:] = sorted(chosen, key=lambda item: self._ranks[item.nodeid])


def _files_of(tests: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(test.partition("::")[0] for test in tests))


def _import_libraries(libraries: Iterable[str]) -> None:
    for name in libraries:
        with contextlib.suppress(Exception):  # some modules can be imported only by others
            importlib.import_module(name)
    gc.freeze()


type _Test = Callable[[Mutant, Sequence[str]], int]


def _run_all(
    mutants: Sequence[Mutant], baseline: Baseline, jobs: int, test: _Test
) -> Iterator[tuple[int, Outcome | None]]:
    """Yields the number of each mutant and its outcome, or None if its function could not be replaced."""
    waiting, running = list(reversed(range(len(mutants)))), list[_Child]()
    while waiting or running:
        while waiting and len(running) < jobs:
            number = waiting.pop()
            running.append(_Child(number, mutants[number], baseline, test))
        wait([child.sentinel for child in running], timeout=1)
        ended = [child for child in running if child.has_ended()]
        running = [child for child in running if child not in ended]
        yield from ((child.number, child.outcome) for child in ended)


class _Child:
    """A process that runs the tests of one mutant."""

    def __init__(self, number: int, mutant: Mutant, baseline: Baseline, test: _Test) -> None:
        tests = baseline.tests_for(mutant)
        limit = max(LEAST_SECONDS, PATIENCE * sum(baseline.seconds[test] for test in tests))
        self.number = number
        self._ends = time.monotonic() + WAITING * limit
        self._process = PROCESSES.Process(target=_tested, args=(mutant, tests, limit, test))
        self._process.start()
        self.sentinel = self._process.sentinel

    def has_ended(self) -> bool:
        """Returns whether the process has ended; kills it after its timeout."""
        if self._process.is_alive() and time.monotonic() >= self._ends:
            self._process.kill()
            self._process.join()
        return not self._process.is_alive()

    @property
    def outcome(self) -> Outcome | None:
        """Returns the outcome of the mutant."""
        match self._process.exitcode:
            case 0:
                return "survived"
            case code if code == NOT_EXCHANGED:
                return None
            case code if code in {-signal.SIGXCPU, -signal.SIGKILL}:
                return "timeout"
            case _:
                return "killed"


def _tested(mutant: Mutant, tests: Sequence[str], limit: float, test: _Test) -> None:
    seconds = int(time.process_time() + limit) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    code = 1
    try:
        code = test(mutant, tests)
    finally:
        os._exit(code)  # the fixtures of the parent must not be torn down by a child
