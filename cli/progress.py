"""Progress of long operations: bars on a terminal, lines in other streams, nothing with --json."""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Lock
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Column
from rich.text import Text

from cli.api import JsonObject
from cli.output import Output, make_console, printable
from cli.processing import ProcessingProgress, TimeEstimate, remaining_text

OTHER_CELLS = 62  # bar, share, "307 pages, 1,024/1,450 chunks" and "12 min left", with the spaces between them
MIN_NAME_CELLS = 12
SECONDS_BETWEEN_LINES = 10.0


class Tracker(Protocol):
    """Shows the progress of several files. Safe to share between threads."""

    def __enter__(self) -> Self:
        """Starts showing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops showing."""

    def begin(self, name: str, size: int) -> int:
        """Adds a file of `size` bytes; returns its number."""

    def sent(self, number: int, size: int) -> None:
        """Adds `size` bytes to those sent of a file."""

    def state(self, number: int, state: str) -> None:
        """Shows the state of a file."""

    def processing(self, number: int, progress: ProcessingProgress, remaining: str) -> None:
        """Shows the progress of a file and the time left."""


class AmountColumn(ProgressColumn):
    """The bytes of a file during the upload, then the percentage of its processing."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))
        self._bytes = DownloadColumn()

    def render(self, task: Task) -> Text:
        """Returns the cell of a file."""
        if task.fields["uploading"]:
            return self._bytes.render(task)
        return Text("" if task.total is None else f"{int(task.percentage):>3}%", style="progress.percentage")


class TimeColumn(ProgressColumn):
    """The time left, or the time elapsed if it is not known."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        """Returns the cell of a file."""
        remaining: str = task.fields["remaining"]
        if remaining:
            return Text(remaining, style="progress.remaining")
        # TimeElapsedColumn would stop when the last byte is sent.
        return Text(str(timedelta(seconds=int(task.elapsed or 0))), style="progress.elapsed")


class BarTracker:
    """One progress bar per file: of its bytes, then of its chunks."""

    def __init__(self, stream: TextIO, monotonic: Callable[[], float]) -> None:
        console = make_console(stream)
        # Names are truncated to the width that the other columns leave; a Korean letter is two cells wide.
        names = Column(no_wrap=True, overflow="ellipsis", max_width=max(MIN_NAME_CELLS, console.width - OTHER_CELLS))
        self._bars = Progress(
            TextColumn("{task.description}", markup=False, table_column=names),
            BarColumn(bar_width=12),
            AmountColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            TimeColumn(),
            console=console,
            get_time=monotonic,
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, name: str, size: int) -> int:
        """Adds a bar."""
        return int(self._bars.add_task(printable(name), total=size, state="uploading", uploading=True, remaining=""))

    def sent(self, number: int, size: int) -> None:
        """Advances the bar."""
        self._bars.advance(TaskID(number), size)

    def state(self, number: int, state: str) -> None:
        """Shows the state beside the bar; the last state stops its clock."""
        self._bars.update(TaskID(number), state=printable(state), remaining="")
        if state in {"ready", "failed", "uploaded"}:
            self._bars.stop_task(TaskID(number))

    def processing(self, number: int, progress: ProcessingProgress, remaining: str) -> None:
        """Shows the bar of chunks in place of that of bytes; it pulses until their number is known."""
        self._bars.update(
            TaskID(number), completed=progress.embedded, state=progress.text, uploading=False, remaining=remaining
        )
        self._bars.tasks[number].total = progress.chunks  # update() would ignore None


class LineTracker:
    """One line for each change of state, and for progress at most one in ten seconds."""

    def __init__(self, stream: TextIO, monotonic: Callable[[], float]) -> None:
        self._stream = stream
        self._monotonic = monotonic
        self._next_progress: list[float] = []
        self._lock = Lock()
        self._names: list[str] = []
        self._states: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stream.flush()

    def begin(self, name: str, size: int) -> int:  # noqa: ARG002 - only bars show the size
        """Adds a file."""
        with self._lock:
            self._names.append(printable(name))
            self._states.append("")
            self._next_progress.append(0.0)
            number = len(self._names) - 1
        self.state(number, "uploading")
        return number

    def sent(self, number: int, size: int) -> None:
        """Prints nothing: a line for each chunk would hide the others."""

    def state(self, number: int, state: str) -> None:
        """Prints a line if the state has changed."""
        with self._lock:
            if self._states[number] != state:
                self._states[number] = state
                self._stream.write(f"{self._names[number]}: {printable(state)}\n")

    def processing(self, number: int, progress: ProcessingProgress, remaining: str) -> None:
        """Prints a line if the progress has changed, at most once in ten seconds."""
        with self._lock:
            now = self._monotonic()
            if now < self._next_progress[number] or self._states[number] == progress.text:
                return
            self._next_progress[number] = now + SECONDS_BETWEEN_LINES
            self._states[number] = progress.text
            share = [] if progress.percent is None else [f"{progress.percent}%"]
            line = ", ".join([progress.text, *share, *([remaining] if remaining else [])])
            self._stream.write(f"{self._names[number]}: {line}\n")


class SilentTracker:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Does nothing."""

    def begin(self, name: str, size: int) -> int:  # noqa: ARG002 - nothing is shown
        """Returns the same number for every file."""
        return 0

    def sent(self, number: int, size: int) -> None:
        """Does nothing."""

    def state(self, number: int, state: str) -> None:
        """Does nothing."""

    def processing(self, number: int, progress: ProcessingProgress, remaining: str) -> None:
        """Does nothing."""


def make_tracker(stream: TextIO, *, as_json: bool, monotonic: Callable[[], float] = time.monotonic) -> Tracker:
    """Returns the tracker for a stream: bars on a terminal, lines otherwise, nothing for JSON."""
    if as_json:
        return SilentTracker()
    return (BarTracker if stream.isatty() else LineTracker)(stream, monotonic)


class DocumentProgress:
    """Shows one file's document in the state that the API reports."""

    def __init__(self, tracker: Tracker, number: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._tracker = tracker
        self._number = number
        self._monotonic = monotonic
        self._estimate = TimeEstimate()

    def __call__(self, document: JsonObject) -> None:
        """Shows the present state of the document."""
        if progress := ProcessingProgress.of(document):
            remaining = remaining_text(self._estimate.remaining_seconds(progress, self._monotonic()))
            self._tracker.processing(self._number, progress, remaining)
        else:
            self._tracker.state(self._number, document["status"])


class StatusLine:
    """Shows the operation that the command waits for, and on a terminal the time elapsed."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._last_text = ""
        # The text comes last, so that a narrow terminal truncates its end.
        columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
        animated = output.err.isatty() and not output.as_json
        self._line = Progress(*columns, console=make_console(output.err), transient=True) if animated else None

    def __enter__(self) -> Self:
        if self._line:
            self._line.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._line:
            self._line.stop()

    def show(self, text: str, detail: str = "") -> None:
        """Shows a text; the detail, which changes often, is shown on a terminal only."""
        if self._line:
            task = self._line.task_ids[0] if self._line.task_ids else self._line.add_task("", total=None)
            self._line.update(task, description=printable(f"{text} {detail}".rstrip()))
        elif text != self._last_text:
            self._output.progress(text)
        self._last_text = text
