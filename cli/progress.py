"""How what takes long is shown: moving on a terminal, a line for each change elsewhere, nothing to programs."""

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
from cli.processing import HowFar, Pace, left_text

OTHER_CELLS = 62  # bar, share, "307 pages, 1,024/1,450 chunks" and "12 min left", with the blanks between them
LEAST_NAME_CELLS = 12
SECONDS_BETWEEN_LINES = 10.0


class Tracker(Protocol):
    """Shows how each of several files is getting on. Safe to share between threads."""

    def __enter__(self) -> Self:
        """Starts showing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stops showing."""

    def begin(self, name: str, size: int) -> int:
        """Shows a file of so many bytes; returns its number here."""

    def sent(self, number: int, size: int) -> None:
        """Shows that so many more bytes were sent."""

    def state(self, number: int, state: str) -> None:
        """Shows what is happening to a file."""

    def processing(self, number: int, how_far: HowFar, left: str) -> None:
        """Shows how far a file is processed, and how long the rest may take."""


class AmountColumn(ProgressColumn):
    """Bytes while a file is uploaded, and a share of a hundred while it is processed."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))
        self._bytes = DownloadColumn()

    def render(self, task: Task) -> Text:
        """Returns the cell of a file."""
        if task.fields["uploading"]:
            return self._bytes.render(task)
        return Text("" if task.total is None else f"{int(task.percentage):>3}%", style="progress.percentage")


class TimeColumn(ProgressColumn):
    """How long the rest may take, or how long it has taken where that is not known."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=True))

    def render(self, task: Task) -> Text:
        """Returns the cell of a file."""
        left: str = task.fields["left"]
        if left:
            return Text(left, style="progress.remaining")
        # TimeElapsedColumn would stop when the last byte is sent.
        return Text(str(timedelta(seconds=int(task.elapsed or 0))), style="progress.elapsed")


class Bars:
    """One bar a file, redrawn in place: of its bytes, and then of its chunks."""

    def __init__(self, stream: TextIO, monotonic: Callable[[], float]) -> None:
        console = make_console(stream)
        # Names are cut to what the other columns leave; their width counts Korean letters as two cells.
        names = Column(no_wrap=True, overflow="ellipsis", max_width=max(LEAST_NAME_CELLS, console.width - OTHER_CELLS))
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
        return int(self._bars.add_task(printable(name), total=size, state="uploading", uploading=True, left=""))

    def sent(self, number: int, size: int) -> None:
        """Fills the bar further."""
        self._bars.advance(TaskID(number), size)

    def state(self, number: int, state: str) -> None:
        """Changes the word beside the bar; the clock stops with the last one."""
        self._bars.update(TaskID(number), state=printable(state), left="")
        if state in {"ready", "failed", "uploaded"}:
            self._bars.stop_task(TaskID(number))

    def processing(self, number: int, how_far: HowFar, left: str) -> None:
        """Draws the bar of chunks in place of that of bytes; it moves without an end until there are chunks."""
        self._bars.update(TaskID(number), completed=how_far.embedded, state=how_far.text, uploading=False, left=left)
        self._bars.tasks[number].total = how_far.chunks  # update() takes None for no change


class Lines:
    """One line for each change of state, and of progress one in some seconds."""

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

    def begin(self, name: str, size: int) -> int:  # noqa: ARG002 - bars need the size, lines do not
        """Remembers a file."""
        with self._lock:
            self._names.append(printable(name))
            self._states.append("")
            self._next_progress.append(0.0)
            number = len(self._names) - 1
        self.state(number, "uploading")
        return number

    def sent(self, number: int, size: int) -> None:
        """Says nothing: a line for each piece would drown the others."""

    def state(self, number: int, state: str) -> None:
        """Prints a line where the state is a new one."""
        with self._lock:
            if self._states[number] != state:
                self._states[number] = state
                self._stream.write(f"{self._names[number]}: {printable(state)}\n")

    def processing(self, number: int, how_far: HowFar, left: str) -> None:
        """Prints a line where there is news, but not too often."""
        with self._lock:
            now = self._monotonic()
            if now < self._next_progress[number] or self._states[number] == how_far.text:
                return
            self._next_progress[number] = now + SECONDS_BETWEEN_LINES
            self._states[number] = how_far.text
            share = [] if how_far.percent is None else [f"{how_far.percent}%"]
            line = ", ".join([how_far.text, *share, *([left] if left else [])])
            self._stream.write(f"{self._names[number]}: {line}\n")


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing was shown."""

    def begin(self, name: str, size: int) -> int:  # noqa: ARG002 - nothing is shown of it
        """Gives every file the same number."""
        return 0

    def sent(self, number: int, size: int) -> None:
        """Says nothing."""

    def state(self, number: int, state: str) -> None:
        """Says nothing."""

    def processing(self, number: int, how_far: HowFar, left: str) -> None:
        """Says nothing."""


def make_tracker(stream: TextIO, *, as_json: bool, monotonic: Callable[[], float] = time.monotonic) -> Tracker:
    """Returns the tracker that fits who is looking at a stream."""
    if as_json:
        return Silence()
    return (Bars if stream.isatty() else Lines)(stream, monotonic)


class Sight:
    """Shows one file's document as the API tells of it."""

    def __init__(self, tracker: Tracker, number: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._tracker = tracker
        self._number = number
        self._monotonic = monotonic
        self._pace = Pace()

    def __call__(self, document: JsonObject) -> None:
        """Shows the document as it is now."""
        if how_far := HowFar.of(document):
            left = left_text(self._pace.seconds_left(how_far, self._monotonic()))
            self._tracker.processing(self._number, how_far, left)
        else:
            self._tracker.state(self._number, document["status"])


class Stage:
    """Says what is being waited for, and on a terminal for how long."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._said = ""
        # The text comes last: what a narrow terminal cuts off is its end.
        columns = (SpinnerColumn(), TimeElapsedColumn(), TextColumn("{task.description}", markup=False))
        moves = output.err.isatty() and not output.as_json
        self._line = Progress(*columns, console=make_console(output.err), transient=True) if moves else None

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
        """Shows what happens now; the detail, which changes often, on a terminal alone."""
        if self._line:
            task = self._line.task_ids[0] if self._line.task_ids else self._line.add_task("", total=None)
            self._line.update(task, description=printable(f"{text} {detail}".rstrip()))
        elif text != self._said:
            self._output.progress(text)
        self._said = text
