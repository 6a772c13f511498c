"""What is measured of this project alone: what the sandbox costs, and one PDF that is longer than most.

`python -m benchmarks.contenders.alone FILE` prints one JSON document.
"""

import json
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.way import Way
from readers.sandbox import Sandbox

CALLS = 100
MEGABYTE = 1_000_000
KIBIBYTE = 1024
"""The unit of `ru_maxrss` (getrusage(2))."""


def sandbox_cost() -> dict[str, float]:
    """Milliseconds of a call that does nothing: of the first, which starts and imports, and the median of others."""
    sandbox = Sandbox(tasks="benchmarks.contenders.nothing")
    try:
        first, *others = (call_milliseconds(sandbox) for _ in range(CALLS + 1))
    finally:
        sandbox.close()
    return {"first_call_ms": round(first, 1), "call_ms": round(statistics.median(others), 2)}


def call_milliseconds(sandbox: Sandbox) -> float:
    """Milliseconds of one call."""
    began = time.perf_counter()
    sandbox.call("nothing", module="readers.pdf_pdfium")
    return (time.perf_counter() - began) * 1000


def long_document(file: Path) -> dict[str, Any]:
    """Seconds and memory that a document takes on its way from bytes to chunks.

    Raises:
        Exception: when it does not arrive.
    """
    way = Way()
    trip = way.go(file, file.name)
    way.close()
    if trip.error or trip.extracted is None:
        raise trip.error or AssertionError("A document without an error has a text.")
    return {
        "pages": len(trip.extracted.page_starts),
        "characters": len(trip.extracted.text),
        "chunks": len(trip.chunks),
        "seconds": round(trip.seconds, 2),
        "cpu_seconds": round(trip.cpu_seconds, 2),
        "reader_peak_mb": round(trip.peak_bytes / MEGABYTE, 1),
        "splitter_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * KIBIBYTE / MEGABYTE, 1),
    }


def main() -> None:
    """Measures and prints."""
    file = Path(sys.argv[1])
    found = long_document(file)
    print(
        json.dumps(
            {"sandbox": sandbox_cost(), "long_pdf": {"megabytes": round(file.stat().st_size / MEGABYTE, 1)} | found}
        )
    )


if __name__ == "__main__":
    main()
