"""Measures this project alone: the cost of the sandbox, and a long PDF.

`python -m benchmarks.contenders.own_cost FILE` prints one JSON document.
"""

import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.pipeline import Pipeline
from readers.sandbox import Sandbox

CALLS = 100
MEGABYTE = 1_000_000
KIBIBYTE = 1024
"""The unit of `ru_maxrss` (getrusage(2))."""


def sandbox_cost() -> dict[str, float]:
    """Returns the milliseconds of a call that does nothing: the first, which starts and imports, and the median."""
    sandbox = Sandbox(tasks="benchmarks.contenders.noop")
    try:
        first, *others = (call_milliseconds(sandbox) for _ in range(CALLS + 1))
    finally:
        sandbox.close()
    return {"first_call_ms": round(first, 1), "call_ms": round(statistics.median(others), 2)}


def call_milliseconds(sandbox: Sandbox) -> float:
    """Returns the milliseconds of one call."""
    began = time.perf_counter()
    sandbox.call("noop", module="readers.pdf_pdfium")
    return (time.perf_counter() - began) * 1000


def long_document(file: Path) -> dict[str, Any]:
    """Returns the seconds and memory for a document, from file to chunks.

    Raises:
        Exception: The document could not be read.
    """
    pipeline = Pipeline()
    result = pipeline.run(file, file.name)
    pipeline.close()
    if result.error or result.extracted is None:
        raise result.error or AssertionError("A document without an error has a text.")
    return {
        "pages": len(result.extracted.page_starts),
        "characters": len(result.extracted.text),
        "chunks": len(result.chunks),
        "seconds": round(result.seconds, 2),
        "cpu_seconds": round(result.cpu_seconds, 2),
        "reader_peak_mb": round(result.peak_bytes / MEGABYTE, 1),
        "splitter_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE / MEGABYTE, 1),
    }


def main() -> None:
    """Measures and prints one JSON document."""
    file = Path(sys.argv[1])
    found = long_document(file)
    print(
        json.dumps(
            {"sandbox": sandbox_cost(), "long_pdf": {"megabytes": round(file.stat().st_size / MEGABYTE, 1)} | found}
        )
    )


if __name__ == "__main__":
    main()
