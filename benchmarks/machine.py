"""What a measurement was made on, for the files in `benchmarks/results/`: no name and no path of the machine."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"


def machine() -> dict[str, Any]:
    """Returns processor, cores that this process may use, and Python's version."""
    return {
        "processor": platform.machine(),
        "cores": os.process_cpu_count(),
        "python": platform.python_version(),
    }


def load() -> float:
    """Returns how many processes ran or waited over the last minute; before a measurement, those are others'."""
    return round(os.getloadavg()[0], 2)


def today() -> str:
    """Returns the date in UTC, as ISO 8601 has it."""
    return datetime.now(UTC).date().isoformat()


def versions(*packages: str) -> dict[str, str]:
    """Returns the installed version of each package."""
    return {package: version(package) for package in packages}
