"""This project from bytes to chunks: readers in the sandbox, normalised text with its structure, exact spans."""

from pathlib import Path

from benchmarks.contenders.harness import SECONDS, Reading, serve, warm_up_file
from benchmarks.way import Way
from readers.sandbox import Limits

WAY = Way(Limits(cpu_seconds=int(SECONDS), wall_seconds=SECONDS))


def measure(file: Path) -> Reading:
    """Takes a file from bytes to chunks; the sandbox's processes are counted in, as its second attempts are."""
    trip = WAY.go(file, file.name)
    error = getattr(trip.error, "code", type(trip.error).__name__) if trip.error else None
    if trip.seconds > SECONDS:
        error = "timeout"
    pages = len(trip.extracted.page_starts) if trip.extracted else 0
    return Reading(pages, trip.cpu_seconds, trip.seconds, error)


if __name__ == "__main__":
    import langchain_text_splitters  # noqa: F401 - the splitter would import it for the first file that needs it

    measure(warm_up_file())
    serve(measure, "pypdfium2", "langchain-text-splitters")
    WAY.close()
