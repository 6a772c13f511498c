"""Which text is embedded next: urgent ones first, and the others never starve."""

from collections import deque

URGENT_IN_A_ROW = 32
"""Urgent texts that may overtake a waiting one. 32 questions of 20 tokens take as long as one chunk of 1,000
characters, about 0.8 s: when both lanes are full, each gets half of the time."""


class Lanes[Task]:
    """Two queues, each first in, first out. Not safe to share between threads without a lock."""

    def __init__(self) -> None:
        self._urgent: deque[Task] = deque()
        self._others: deque[Task] = deque()
        self._overtaken = 0

    def __len__(self) -> int:
        return len(self._urgent) + len(self._others)

    def add(self, task: Task, *, urgent: bool) -> None:
        """Add a task behind those of its kind."""
        (self._urgent if urgent else self._others).append(task)

    def add_again(self, task: Task, *, urgent: bool) -> None:
        """Add a task that was taken before ahead of those of its kind."""
        (self._urgent if urgent else self._others).appendleft(task)

    def take(self) -> Task:
        """Remove and return the next task.

        Raises:
            IndexError: no task waits.
        """
        if self._urgent and (not self._others or self._overtaken < URGENT_IN_A_ROW):
            self._overtaken = self._overtaken + 1 if self._others else 0
            return self._urgent.popleft()
        self._overtaken = 0
        return self._others.popleft()
