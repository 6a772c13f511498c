"""How what takes long is shown: moving on a terminal, a line for each change elsewhere, nothing to programs."""

from threading import Lock
from types import TracebackType
from typing import Protocol, Self, TextIO

from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from cli.output import Output, make_console, printable


class Tracker(Protocol):
    """Shows how each of several files is getting on. Safe to share between threads."""

    def __enter__(self) -> Self:
        """Start showing."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing."""

    def begin(self, name: str, size: int) -> int:
        """Show a file of so many bytes; returns its number here."""

    def sent(self, number: int, size: int) -> None:
        """Show that so many more bytes were sent."""

    def state(self, number: int, state: str) -> None:
        """Show what is happening to a file."""


class Bars:
    """One bar a file, redrawn in place."""

    def __init__(self, stream: TextIO) -> None:
        self._bars = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            DownloadColumn(),
            TextColumn("{task.fields[state]}", markup=False),
            TimeElapsedColumn(),
            console=make_console(stream),
        )

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def begin(self, name: str, size: int) -> int:
        """Add a bar."""
        return int(self._bars.add_task(printable(name), total=size, state="uploading"))

    def sent(self, number: int, size: int) -> None:
        """Fill the bar further."""
        self._bars.advance(TaskID(number), size)

    def state(self, number: int, state: str) -> None:
        """Change the word beside the bar; the clock stops with the last one."""
        self._bars.update(TaskID(number), state=printable(state))
        if state in {"ready", "failed", "uploaded"}:
            self._bars.stop_task(TaskID(number))


class Lines:
    """One line for each change of state."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
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
        """Remember a file."""
        with self._lock:
            self._names.append(printable(name))
            self._states.append("")
            number = len(self._names) - 1
        self.state(number, "uploading")
        return number

    def sent(self, number: int, size: int) -> None:
        """Say nothing: a line for each piece would drown the others."""

    def state(self, number: int, state: str) -> None:
        """Print a line where the state is a new one."""
        with self._lock:
            if self._states[number] != state:
                self._states[number] = state
                self._stream.write(f"{self._names[number]}: {printable(state)}\n")


class Silence:
    """Shows nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing was shown."""

    def begin(self, name: str, size: int) -> int:  # noqa: ARG002 - nothing is shown of it
        """Give every file the same number."""
        return 0

    def sent(self, number: int, size: int) -> None:
        """Say nothing."""

    def state(self, number: int, state: str) -> None:
        """Say nothing."""


def make_tracker(stream: TextIO, *, as_json: bool) -> Tracker:
    """Return the tracker that fits who is looking at a stream."""
    if as_json:
        return Silence()
    return Bars(stream) if stream.isatty() else Lines(stream)


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
        """Show what happens now; the detail, which changes often, on a terminal alone."""
        if self._line:
            task = self._line.task_ids[0] if self._line.task_ids else self._line.add_task("", total=None)
            self._line.update(task, description=printable(f"{text} {detail}".rstrip()))
        elif text != self._said:
            self._output.progress(text)
        self._said = text
