"""The progress of a document in processing: as text, as a bar and in a list."""

import io
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cli.api import JsonObject
from cli.processing import ProcessingProgress, TimeEstimate, remaining_text
from cli.progress import BarTracker, DocumentProgress, LineTracker, make_tracker
from tests.unit.cli.fakes import FakeTime, Shell, Terminal, reply
from tests.unit.cli.uploads import BASE, document, prepare_upload

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def processed(name: str = "a.md", pages: int | None = None, chunks: int | None = None, embedded: int = 0) -> JsonObject:
    progress = {"pages": pages, "chunks": chunks, "embedded_chunks": embedded}
    shown = document(name, version="v2", status="processing", pages=0, chunks=0, current_version=None)
    return {**shown, "progress": progress}


@pytest.mark.parametrize(
    ("shown", "text", "percent"),
    [
        (processed(), "reading the file", None),
        (processed(pages=1), "1 page, splitting the text", None),
        (processed(pages=307), "307 pages, splitting the text", None),
        (processed(pages=1, chunks=1), "1 page, 0/1 chunks", 0),
        (processed(pages=1307, chunks=14500, embedded=6120), "1,307 pages, 6,120/14,500 chunks", 42),
        (processed(pages=2, chunks=1000, embedded=999), "2 pages, 999/1,000 chunks", 99),
        (processed(pages=2, chunks=7, embedded=7), "2 pages, 7/7 chunks", 100),
    ],
)
def test_progress_has_a_short_description(shown: JsonObject, text: str, percent: int | None) -> None:
    progress = ProcessingProgress.of(shown)
    assert progress is not None
    assert (progress.text, progress.percent) == (text, percent)


@pytest.mark.parametrize(
    "shown",
    [document("a.md"), document("a.md", status="processing"), {**processed(pages=3), "status": "ready"}],
    ids=["ready", "no progress reported", "ready with progress"],
)
def test_a_document_that_is_not_in_processing_has_no_progress(shown: JsonObject) -> None:
    assert ProcessingProgress.of(shown) is None


def test_the_time_left_follows_from_the_rate_since_the_first_observation() -> None:
    estimate = TimeEstimate()
    assert estimate.remaining_seconds(ProcessingProgress(9, None, 0), 50.0) is None
    assert estimate.remaining_seconds(ProcessingProgress(9, 100, 20), 100.0) is None, "there is no rate yet"
    assert estimate.remaining_seconds(ProcessingProgress(9, 100, 27), 107.0) is None, "too few chunks for an estimate"
    assert estimate.remaining_seconds(ProcessingProgress(9, 100, 40), 110.0) == pytest.approx(30)
    assert estimate.remaining_seconds(ProcessingProgress(9, 100, 100), 150.0) == 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (0.0, "5 s left"),
        (12.4, "10 s left"),
        (57.0, "55 s left"),
        (59.9, "60 s left"),
        (60.0, "1 min left"),
        (150.0, "2 min left"),
        (3569.0, "59 min left"),
        (3571.0, "1 h 0 min left"),
        (12600.0, "3 h 30 min left"),
    ],
)
def test_the_time_left_is_rounded(seconds: float | None, text: str) -> None:
    assert remaining_text(seconds) == text


def test_put_without_a_terminal_prints_progress_every_ten_seconds(shell: Shell) -> None:
    embedding = [processed(pages=12, chunks=400, embedded=done) for done in range(80)]
    steps = [processed(), processed(pages=12), *embedding]
    prepare_upload(shell, *steps, document("a.md", version="v2"))
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    assert shell.run("put", str(shell.folder / "a.md")) == 0
    lines = shell.err.getvalue().splitlines()
    assert lines[:3] == ["a.md: uploading", "a.md: pending", "a.md: reading the file"]
    assert lines[-1] == "a.md: ready"
    pattern = re.compile(r"a\.md: 12 pages, (\d+)/400 chunks, (\d+)%(?:, (\d+) min left)?")
    matches = [pattern.fullmatch(line) for line in lines[3:-1]]
    assert all(matches)
    assert len(matches) == pytest.approx(shell.time.elapsed / 10, abs=2)
    embedded = [int(line[1]) for line in matches if line]
    assert all(before < after for before, after in pairwise(embedded))
    assert [int(line[2]) for line in matches if line] == [done * 100 // 400 for done in embedded]
    assert matches[-1]
    left = (400 - embedded[-1]) * 2 / 60  # one chunk at each poll, every two seconds
    assert int(matches[-1][3]) == pytest.approx(left, abs=1)


def test_put_waits_while_a_document_makes_progress(shell: Shell) -> None:
    slow = [processed(pages=900, chunks=4000, embedded=done // 300) for done in range(1500)]
    prepare_upload(shell, *slow, document("a.md", version="v2"))
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    assert shell.run("put", str(shell.folder / "a.md"), "--json") == 0
    assert shell.time.elapsed > 2 * 900


def test_put_times_out_15_minutes_after_the_last_progress(shell: Shell) -> None:
    states = [processed(pages=900, chunks=4000, embedded=done) for done in range(100)]
    prepare_upload(shell, *states)
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    assert shell.run("put", str(shell.folder / "a.md")) == 1
    assert "has made no progress for 15 minutes" in shell.out.getvalue()
    assert 900 + 98 * 2 - 10 < shell.time.elapsed < 900 + 100 * 2


def test_json_output_is_the_response_of_the_api(shell: Shell) -> None:
    prepare_upload(shell, processed(pages=3, chunks=9, embedded=4), document("a.md", version="v2"))
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    assert shell.run("put", str(shell.folder / "a.md"), "--json") == 0
    assert shell.err.getvalue() == ""
    listed = {"documents": [processed(pages=3, chunks=9, embedded=4)]}
    shell.transport.on("GET", f"{BASE}/documents", reply(200, listed))
    shell.out.truncate(0)
    shell.out.seek(0)
    assert shell.run("ls", "--json") == 0
    assert shell.printed["documents"][0]["progress"] == {"pages": 3, "chunks": 9, "embedded_chunks": 4}


class Screen(Terminal):
    """A terminal that records its output."""

    def last_lines(self, count: int) -> list[str]:
        drawn = ESCAPES.sub("", self.getvalue()).replace("\r", "\n").split("\n")
        return [line for line in drawn if line.strip()][-count:]


@pytest.mark.parametrize("columns", [80, 120])
def test_bars_change_from_bytes_to_chunks_and_are_aligned(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("LINES", "24")
    screen, time = Screen(), FakeTime()
    names = ("삼성전자 반기보고서 2026 연결재무제표.pdf", "long-english-name-of-a-report-that-has-no-end.pdf", "a.md")
    with make_tracker(screen, as_json=False, monotonic=time.clock.monotonic) as tracker:
        assert isinstance(tracker, BarTracker)
        documents = [DocumentProgress(tracker, tracker.begin(name, 1000), time.clock.monotonic) for name in names]
        for document_progress in documents:
            document_progress(processed(pages=300, chunks=1450, embedded=0))
        time.sleep(60)
        for document_progress, embedded in zip(documents, (145, 725, 1450), strict=True):
            document_progress(processed(pages=300, chunks=1450, embedded=embedded))
    lines = screen.last_lines(3)
    assert [re.findall(r"\d+%|\d+ \w+ left", line) for line in lines] == [
        ["10%", "9 min left"],
        ["50%", "1 min left"],
        ["100%", "5 s left"],
    ]
    assert all("300 pages" in line and "/1,450 chunks" in line for line in lines)
    assert all(cell_len(line.rstrip()) <= columns for line in lines)
    bars = {cell_len(line[: line.index("━")]) for line in lines}
    assert len(bars) == 1, "a Korean letter is two cells wide"
    assert lines[0].startswith("삼성전자")


def test_the_clock_of_a_bar_continues_after_the_upload() -> None:
    now = 100.0
    screen = Screen()
    bars = BarTracker(screen, lambda: now)
    number = bars.begin("a.md", 10)
    bars.sent(number, 10)
    bars.state(number, "pending")
    now = 165.0
    with bars:
        bars.state(number, "ready")
        now = 400.0
    assert screen.last_lines(1)[0].endswith("ready 0:01:05")


def test_a_bar_without_a_number_of_chunks_shows_no_percentage() -> None:
    screen = Screen()
    with BarTracker(screen, lambda: 0.0) as bars:
        number = bars.begin("a.md", 10)
        bars.processing(number, ProcessingProgress(None, None, 0), "")
    assert "reading the file" in screen.last_lines(1)[0]
    assert "%" not in screen.last_lines(1)[0]
    assert "bytes" not in screen.last_lines(1)[0]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 99)), max_size=40))
def test_lines_of_one_file_are_ten_seconds_apart_and_differ(observations: list[tuple[int, int]]) -> None:
    stream, now = io.StringIO(), 0.0
    lines = LineTracker(stream, lambda: now)
    number = lines.begin("a.md", 1)
    printed_at = []
    for pause, embedded in observations:
        now += pause
        before = stream.getvalue()
        lines.processing(number, ProcessingProgress(1, 99, embedded), "")
        printed_at += [now] if stream.getvalue() != before else []
    assert all(after - before >= 10 for before, after in pairwise(printed_at))
    written = stream.getvalue().splitlines()
    assert all(before != after for before, after in pairwise(written))


def test_ls_prints_the_progress_of_documents(shell: Shell) -> None:
    shell.store_key("hanbit")
    replaced = {"current_version": "v1", "pages": 3, "chunks": 7}
    documents = [
        processed("new.pdf", pages=300, chunks=1450, embedded=612),
        {**processed("가.pdf", pages=12, chunks=40, embedded=10), **replaced},
        processed("read.pdf"),
        document("old.pdf"),
    ]
    shell.transport.on("GET", f"{BASE}/documents", reply(200, {"documents": documents}))
    assert shell.run("ls") == 0
    lines = shell.out.getvalue().splitlines()
    assert lines[1].split()[:5] == ["processing", "42%", "new.pdf", "300", "612/1,450"]
    assert lines[2].split()[:5] == ["processing", "25%", "가.pdf", "3", "7"]
    assert lines[3].split()[:4] == ["processing", "read.pdf", "–", "–"]
    assert lines[4].split()[:4] == ["ready", "old.pdf", "3", "7"]
    assert lines[5:] == ["가.pdf: the new version: 12 pages, 10/40 chunks"]
