"""The machine of a measurement, for the files in `benchmarks/results/`, without names and paths."""

import os
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
RESULTS = REPOSITORY / "benchmarks" / "results"


def machine() -> dict[str, Any]:
    """Returns the processor, the number of cores that this process may use and the Python version."""
    return {
        "processor": platform.machine(),
        "cores": os.process_cpu_count(),
        "python": platform.python_version(),
    }


def load() -> float:
    """Returns the load average of the last minute; before a measurement, it is the load of other processes."""
    return round(os.getloadavg()[0], 2)


def today() -> str:
    """Returns the date in UTC, in ISO 8601."""
    return datetime.now(UTC).date().isoformat()


def versions(*packages: str) -> dict[str, str]:
    """Returns the installed version of each package."""
    return {package: version(package) for package in packages}
