"""Measures a long document on the local cloud: from put to ready, and the latency of retrievals meanwhile.

`python -m benchmarks.long_document`, after `make build`. It starts its own local cloud and takes minutes. The
embedding model is a stand-in, so its share says nothing about Bedrock.
"""

import json
import os
import statistics
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.latency import Bench, document
from benchmarks.machine import RESULTS, load, machine, today
from tests.rie.stack import deployed

PAGES: Final = int(os.environ.get("PAGES") or 300)
READY_SECONDS: Final = 900
QUESTIONS_BEFORE: Final = 10
SECONDS_BETWEEN_QUESTIONS: Final = 5.0
POLL_SECONDS: Final = 1.0
KEY: Final = "tenants/bench/long.pdf"

type Json = dict[str, Any]


class PassageQueries:
    """Retrieves passages, for a new question each time, and records the durations."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._number = 0
        self._stopped = threading.Event()
        self.seconds: list[float] = []
        self.failed = 0

    def ask(self) -> None:
        """Sends one question."""
        self._number += 1
        began = time.perf_counter()
        try:
            self._bench.call("POST", "/retrieve", {"question": f"Which pump of series {self._number} holds most bar?"})
        except SystemExit:
            self.failed += 1
            return
        self.seconds.append(time.perf_counter() - began)

    def ask_repeatedly(self) -> None:
        """Sends questions until `stop` is called."""
        while not self._stopped.wait(SECONDS_BETWEEN_QUESTIONS):
            self.ask()

    def stop(self) -> None:
        """Stops `ask_repeatedly` after its present question."""
        self._stopped.set()

    def summary(self) -> Json:
        """Returns the number of questions, and median and maximum in milliseconds."""
        durations = [1000 * seconds for seconds in self.seconds]
        summary = {"median": round(statistics.median(durations)), "max": round(max(durations))} if durations else {}
        return {"questions": len(durations) + self.failed, "refused": self.failed, **summary}


def main() -> None:
    """Measures, writes the result to `benchmarks/results/` and prints it."""
    load_before = load()
    with tempfile.TemporaryDirectory() as folder, deployed(Path(folder)) as stack:
        bench = Bench(stack)
        bench.onboard()
        result = measure(bench)
    result = {"machine": machine(), "date": today(), "load_before": load_before, **result}
    target = RESULTS / "long_document.json"
    target.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


def measure(bench: Bench) -> Json:
    """Uploads the document and waits until it is ready; retrieves passages before and meanwhile."""
    before, meanwhile = PassageQueries(bench), PassageQueries(bench)
    before.ask()  # the first question waits for cold functions
    before.seconds.clear()
    for _ in range(QUESTIONS_BEFORE):
        before.ask()
    content = document(PAGES, 0)
    began = time.perf_counter()
    bucket = bench.stack.outputs["DocumentsBucketName"]
    bench.client("s3").put_object(Bucket=bucket, Key=KEY, Body=content)
    thread = threading.Thread(target=meanwhile.ask_repeatedly, daemon=True)
    thread.start()
    ready = wait_until_ready(bench, began)
    seconds = time.perf_counter() - began
    meanwhile.stop()
    thread.join()
    return {
        "pages": ready["pages"],
        "chunks": ready["chunks"],
        "embedding_tokens": ready["tokens"],
        "put_to_ready_seconds": round(seconds, 1),
        "passages_ms": {"before": before.summary(), "meanwhile": meanwhile.summary()},
    }


def wait_until_ready(bench: Bench, began: float) -> Json:
    """Prints the progress of the document; returns it when it is ready.

    Raises:
        SystemExit: The document failed or is not ready in time.
    """
    found: Json = {}
    while time.perf_counter() - began < READY_SECONDS:
        matches = [entry for entry in bench.call("GET", "/documents")["documents"] if entry["key"] == KEY]
        found = matches[0] if matches else {}
        if found.get("status") == "ready":
            return found
        if found.get("status") == "failed":
            break
        print(f"{time.perf_counter() - began:6.1f} s {found.get('status')} {found.get('progress', '')}", flush=True)
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"The document did not become ready: {found.get('status')} {found.get('error', '')}")


if __name__ == "__main__":
    main()
