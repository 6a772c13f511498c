"""Measures a long document on the local cloud: put to ready, and how long questions wait for their passages meanwhile.

`python -m benchmarks.long_document`, after `make build`. It starts a local cloud of its own, and takes minutes. The
embedding model is a stand-in: its share says nothing about Bedrock.
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


class Asker:
    """Asks for passages, a new question each time, and keeps how long each took."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._number = 0
        self._stopped = threading.Event()
        self.seconds: list[float] = []
        self.refused = 0

    def ask(self) -> None:
        """Asks once."""
        self._number += 1
        began = time.perf_counter()
        try:
            self._bench.call("POST", "/retrieve", {"question": f"Which pump of series {self._number} holds most bar?"})
        except SystemExit:
            self.refused += 1
            return
        self.seconds.append(time.perf_counter() - began)

    def go_on(self) -> None:
        """Asks again and again until it is stopped."""
        while not self._stopped.wait(SECONDS_BETWEEN_QUESTIONS):
            self.ask()

    def stop(self) -> None:
        """Ends `go_on` after its present question."""
        self._stopped.set()

    def summary(self) -> Json:
        """Median and maximum in milliseconds."""
        waits = [1000 * seconds for seconds in self.seconds]
        answered = {"median": round(statistics.median(waits)), "max": round(max(waits))} if waits else {}
        return {"questions": len(waits) + self.refused, "refused": self.refused, **answered}


def main() -> None:
    """Measures and writes the result to `benchmarks/results/`."""
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
    """Puts the document and follows it; asks before and meanwhile."""
    before, meanwhile = Asker(bench), Asker(bench)
    before.ask()  # the first question waits for cold functions
    before.seconds.clear()
    for _ in range(QUESTIONS_BEFORE):
        before.ask()
    content = document(PAGES, 0)
    began = time.perf_counter()
    bucket = bench.stack.outputs["DocumentsBucketName"]
    bench.client("s3").put_object(Bucket=bucket, Key=KEY, Body=content)
    asking = threading.Thread(target=meanwhile.go_on, daemon=True)
    asking.start()
    ready = follow(bench, began)
    seconds = time.perf_counter() - began
    meanwhile.stop()
    asking.join()
    return {
        "pages": ready["pages"],
        "chunks": ready["chunks"],
        "embedding_tokens": ready["tokens"],
        "put_to_ready_seconds": round(seconds, 1),
        "passages_ms": {"before": before.summary(), "meanwhile": meanwhile.summary()},
    }


def follow(bench: Bench, began: float) -> Json:
    """The document once it is ready; prints how far it is.

    Raises:
        SystemExit: when it fails or takes too long.
    """
    shown: Json = {}
    while time.perf_counter() - began < READY_SECONDS:
        found = [entry for entry in bench.call("GET", "/documents")["documents"] if entry["key"] == KEY]
        shown = found[0] if found else {}
        if shown.get("status") == "ready":
            return shown
        if shown.get("status") == "failed":
            break
        print(f"{time.perf_counter() - began:6.1f} s {shown.get('status')} {shown.get('progress', '')}", flush=True)
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"The document did not become ready: {shown.get('status')} {shown.get('error', '')}")


if __name__ == "__main__":
    main()
