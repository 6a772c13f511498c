"""Work in slices: every call gets on, none runs out of time, and what was achieved is kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.domain.errors import TransientError
from onggi.steps.tenancy.slices import work_slice


class Clock:
    """Each step takes some seconds of those that a function has."""

    def __init__(self, seconds: float, step: float) -> None:
        self.left = seconds
        self._step = step

    def __call__(self) -> float:
        return self.left

    def step(self, progress: int) -> int:
        assert self.left >= 0
        self.left -= self._step
        return progress + 1


@given(
    total=st.integers(1, 50),
    seconds=st.floats(1, 300),
    step=st.floats(0.1, 50),
    reserve=st.floats(0, 60),
)
def test_slices_do_everything_once_and_begin_no_step_without_time(
    total: int, seconds: float, step: float, reserve: float
) -> None:
    done, calls = 0, 0
    while done < total:
        clock = Clock(seconds, step)
        before = done
        done = work_slice(done, clock.step, clock, is_over=lambda now: now == total, reserve=reserve)
        assert done > before, "every call gets on"
        assert done == before + 1 or clock.left + step > reserve, "the last step had the time that it was promised"
        calls += 1
    assert done == total
    assert calls <= total


def test_nothing_is_done_where_all_is_done() -> None:
    assert work_slice(3, Clock(100, 1).step, lambda: 100.0, is_over=lambda now: now == 3) == 3


def test_what_was_achieved_before_a_fault_is_kept() -> None:
    def step(progress: int) -> int:
        if progress == 2:
            raise TransientError("S3 is slow.")
        return progress + 1

    assert work_slice(0, step, lambda: 100.0, is_over=lambda _: False) == 2
    with pytest.raises(TransientError):
        work_slice(2, step, lambda: 100.0, is_over=lambda _: False)


def test_other_faults_are_raised_at_once() -> None:
    def step(_: int) -> int:
        raise KeyError("a fault of ours")

    with pytest.raises(KeyError):
        work_slice(0, step, lambda: 100.0, is_over=lambda _: False)
