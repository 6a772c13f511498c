import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.embedding.lanes import Lanes


def lanes_of(*, urgent: int = 0, others: int = 0) -> Lanes[str]:
    lanes: Lanes[str] = Lanes()
    for number in range(others):
        lanes.add(f"other {number}", urgent=False)
    for number in range(urgent):
        lanes.add(f"urgent {number}", urgent=True)
    return lanes


def test_urgent_tasks_overtake_others_and_each_kind_keeps_its_order() -> None:
    lanes = lanes_of(urgent=2, others=2)
    assert [lanes.take() for _ in range(4)] == ["urgent 0", "urgent 1", "other 0", "other 1"]


def test_a_task_that_was_taken_before_is_the_next_of_its_kind() -> None:
    lanes = lanes_of(urgent=1, others=1)
    lanes.add_again("other again", urgent=False)
    lanes.add_again("urgent again", urgent=True)
    assert [lanes.take() for _ in range(4)] == ["urgent again", "urgent 0", "other again", "other 0"]


def test_one_of_33_is_not_urgent_while_both_wait() -> None:
    lanes = lanes_of(urgent=100, others=2)
    taken = [lanes.take() for _ in range(102)]
    assert [place for place, task in enumerate(taken) if task.startswith("other")] == [32, 65]


def test_urgent_tasks_that_overtook_nobody_do_not_count() -> None:
    lanes = lanes_of(urgent=40)
    for _ in range(40):
        lanes.take()
    lanes.add("other", urgent=False)
    lanes.add("urgent", urgent=True)
    assert lanes.take() == "urgent"


def test_nothing_waits_in_empty_lanes() -> None:
    with pytest.raises(IndexError):
        lanes_of().take()


@given(st.lists(st.sampled_from(["urgent", "other", "take"])))
def test_nothing_is_lost_or_taken_twice_and_nobody_is_overtaken_by_more_than_32(acts: list[str]) -> None:
    lanes: Lanes[tuple[str, int]] = Lanes()
    waiting: list[tuple[str, int]] = []
    overtaken = 0
    for number, act in enumerate([*acts, *["take"] * acts.count("urgent"), *["take"] * acts.count("other")]):
        if act != "take":
            waiting.append((act, number))
            lanes.add((act, number), urgent=act == "urgent")
        elif waiting:
            others = [task for task in waiting if task[0] == "other"]
            task = lanes.take()
            assert task == next(each for each in waiting if each[0] == task[0])
            overtaken = overtaken + 1 if task[0] == "urgent" and others else 0
            assert overtaken <= 32
            waiting.remove(task)
        assert len(lanes) == len(waiting)
    assert not waiting
