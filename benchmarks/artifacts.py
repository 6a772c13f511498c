"""Measures the size of each deployed artifact and the initialisation time of each function.

`python -m benchmarks.artifacts`, after `make build`. The initialisation is measured under Lambda's runtime
interface emulator on this machine: interpreter, runtime client and imports, without Lambda's sandbox.
"""

import json
import os
import platform
import statistics
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from tests.rie.emulator import BUILD, LAYER, REPOSITORY, Runtime, is_built, make_runtime, running

RESULTS = REPOSITORY / "benchmarks" / "results" / "artifacts.json"
RUNS = 5
MEGABYTE = 1_000_000


def main() -> None:
    """Measures every artifact, prints a table and writes the result to `benchmarks/results/`."""
    if not is_built():
        sys.exit("Nothing is built: run `make build` first.")
    with tempfile.TemporaryDirectory() as folder:
        runtime = make_runtime(Path(folder, "runtime"), Path(getattr(sys, "_base_executable")))  # noqa: B009 - private, and there is no public name
        results = {
            artifact.name: measure(artifact, runtime, Path(folder))
            for artifact in sorted(BUILD.iterdir())
            if artifact.is_dir()
        }
    machine = {"processor": platform.machine(), "cores": os.cpu_count(), "python": platform.python_version()}
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "artifacts": results}, indent=2) + "\n", encoding="utf-8")
    print(table(results))


def measure(artifact: Path, runtime: Runtime, folder: Path) -> dict[str, Any]:
    """Returns an artifact's sizes in MB and, for a function, the median of its initialisation time in ms."""
    files = [path for path in artifact.rglob("*") if path.is_file()]
    sizes = {
        "unzipped_mb": round(sum(path.stat().st_size for path in files) / MEGABYTE, 3),
        "zipped_mb": round(zipped_bytes(artifact, files, folder) / MEGABYTE, 3),
    }
    return sizes if artifact.name == LAYER else sizes | {"init_ms": init_milliseconds(artifact, runtime, folder)}


def zipped_bytes(artifact: Path, files: list[Path], folder: Path) -> int:
    """Returns the size of the deployment archive in bytes."""
    archive = folder / "artifact.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as target:
        for path in files:
            target.write(path, path.relative_to(artifact))
    return archive.stat().st_size


def init_milliseconds(artifact: Path, runtime: Runtime, folder: Path) -> float:
    """Returns the median over several starts; the response to the empty event is ignored."""
    results = []
    for _ in range(RUNS):
        with running(artifact, runtime, {"AWS_REGION": "us-east-1"}, folder / "log") as function:
            response = function.invoke({})
            if isinstance(response, dict) and str(response.get("errorType", "")).startswith("Runtime."):
                sys.exit(f"{artifact.name} does not initialise: {response['errorMessage']}")
            results.append(function.init_milliseconds())
    return round(statistics.median(results), 1)


def table(results: dict[str, dict[str, Any]]) -> str:
    """Returns the measurements as a table."""
    lines = [f"{'artifact':<18}{'unzipped MB':>12}{'zipped MB':>12}{'init ms':>10}"]
    lines += [
        f"{name:<18}{found['unzipped_mb']:>12.2f}{found['zipped_mb']:>12.2f}{found.get('init_ms', ''):>10}"
        for name, found in results.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
