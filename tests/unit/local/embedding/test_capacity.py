import os
from pathlib import Path

import pytest

from local.embedding import capacity
from local.embedding.capacity import available_memory, worker_count, worker_count_here

GIB = 1024**3


@pytest.mark.parametrize(
    ("cores", "gib", "workers"),
    [
        (1, 64, 1),
        (2, 64, 1),
        (3, 64, 2),
        (8, 64, 7),
        (64, 64, 63),
        (16, 8, 11),  # 4 GiB hold 11 workers of 350 MiB
        (8, 2, 2),
        (8, 1, 1),
        (8, 0, 1),
    ],
)
def test_all_cores_but_one_work_in_half_of_the_memory_that_is_available(cores: int, gib: int, workers: int) -> None:
    assert worker_count(cores, gib * GIB) == workers


def test_the_count_here_keeps_to_the_cores_that_this_process_may_use() -> None:
    assert 1 <= worker_count_here() <= max(1, (os.process_cpu_count() or 1) - 1)


def test_linux_says_how_much_memory_is_available(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    info = tmp_path / "meminfo"
    info.write_text("MemTotal:  24683524 kB\nMemAvailable:  3145728 kB\nHugePages_Total:  0\n", encoding="utf-8")
    monkeypatch.setattr(capacity, "_MEMORY_INFO", info)
    assert available_memory() == 3 * GIB


def test_where_the_system_does_not_say_half_of_the_memory_is_taken_for_available(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "_MEMORY_INFO", tmp_path / "none")
    monkeypatch.setattr(os, "sysconf", {"SC_PHYS_PAGES": 2_000_000, "SC_PAGE_SIZE": 4096}.__getitem__)
    assert available_memory() == 4_096_000_000
