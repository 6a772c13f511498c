"""This project, from file to chunks: readers in the sandbox, normalised text with structure, exact spans."""

from pathlib import Path

from benchmarks.contenders.harness import SECONDS, Reading, serve, warm_up_file
from benchmarks.pipeline import Pipeline
from readers.sandbox import Limits

PIPELINE = Pipeline(Limits(cpu_seconds=int(SECONDS), wall_seconds=SECONDS))


def measure(file: Path) -> Reading:
    """Measures a file, including the sandbox's processes and repeated attempts."""
    result = PIPELINE.run(file, file.name)
    error = getattr(result.error, "code", type(result.error).__name__) if result.error else None
    if result.seconds > SECONDS:
        error = "timeout"
    pages = len(result.extracted.page_starts) if result.extracted else 0
    return Reading(pages, result.cpu_seconds, result.seconds, error)


if __name__ == "__main__":
    import langchain_text_splitters  # noqa: F401 - the splitter imports it lazily

    measure(warm_up_file())
    serve(measure, "pypdfium2", "langchain-text-splitters")
    PIPELINE.close()
