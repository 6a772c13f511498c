"""The command that removes tenants and downloads their exports."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.errors import StackError
from cli.exports import file_path
from cli.transport import Response
from tests.unit.cli.fakes import API, Shell, Terminal, reply

ROUTE = f"{API}/v1/admin/tenants/hanbit"
LINK = "https://bucket.test/export"
TENANT: dict[str, Any] = {
    "tenant_id": "hanbit",
    "name": "한빛가전",
    "tier": "basic",
    "status": "active",
    "settings": {"chunk_size": 800, "ocr": False},
}
REMOVING = {**TENANT, "status": "removing"}
RECEIPT: dict[str, Any] = {
    "removed_at": "2026-11-21T07:40:00.000Z",
    "before": {"uploads": 12, "keys": 1},
    "after": {"uploads": 0, "keys": 0},
    "export": None,
}
REMOVED = {"tenant_id": "hanbit", "status": "removed", "receipt": RECEIPT}
EXPORTED = {**REMOVED, "receipt": {**RECEIPT, "export": {"bucket": "b", "run": "r", "objects": 2}}}


def test_remove_waits_for_the_receipt_and_prints_it(shell: Shell) -> None:
    shell.transport.on("DELETE", ROUTE, reply(202, {"tenant_id": "hanbit", "status": "removing"}))
    shell.transport.on("GET", ROUTE, reply(200, TENANT), *[reply(200, REMOVING)] * 2, reply(200, REMOVED))
    assert shell.run("tenant", "remove", "hanbit", "--yes") == 0
    assert [sent.url for sent in shell.transport.sent if sent.method == "DELETE"] == [ROUTE]
    lines = [line.split() for line in shell.out.getvalue().splitlines()]
    assert lines[1:] == [["data", "before", "after"], ["uploads", "12", "0"], ["keys", "1", "0"]]
    assert "2026-11-21 07:40" in shell.out.getvalue()


def test_remove_deletes_the_stored_key_of_the_tenant_only(shell: Shell) -> None:
    shell.store_key("hanbit")
    shell.store_key("ridgeline")
    shell.transport.on("GET", ROUTE, reply(200, REMOVED))
    assert shell.run("tenant", "remove", "hanbit", "--yes") == 0
    kept = json.loads((shell.local_folder / "keys.json").read_text(encoding="utf-8"))["onggi-local"]
    assert set(kept) == {"ridgeline"}


def test_a_completed_removal_is_not_requested_again(shell: Shell) -> None:
    shell.transport.on("GET", ROUTE, reply(200, REMOVED))
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--json") == 0
    assert shell.printed == REMOVED
    assert [sent.method for sent in shell.transport.sent] == ["GET"]


def test_show_of_a_removed_tenant_prints_its_receipt(shell: Shell) -> None:
    shell.transport.on("GET", ROUTE, reply(200, EXPORTED))
    assert shell.run("tenant", "show", "hanbit") == 0
    assert ["uploads", "12", "0"] in [line.split() for line in shell.out.getvalue().splitlines()]


def test_remove_needs_a_confirmation(shell: Shell) -> None:
    assert shell.run("tenant", "remove", "hanbit") == 1
    assert "--yes" in shell.err.getvalue()
    assert shell.transport.sent == []


def test_a_stopped_removal_is_reported_and_can_be_resumed(shell: Shell) -> None:
    shell.transport.on("DELETE", ROUTE, reply(202, {}))
    stopped = reply(200, {**REMOVING, "reason": "S3 was down."})
    shell.transport.on("GET", ROUTE, stopped)
    assert shell.run("tenant", "remove", "hanbit", "--yes") == 1
    assert "S3 was down." in shell.err.getvalue()
    shell.transport.on("GET", ROUTE, stopped, reply(200, REMOVING), reply(200, REMOVED))
    assert shell.run("tenant", "remove", "hanbit", "--yes") == 0, "the same command resumes it"


def test_remove_of_an_unknown_tenant_fails(shell: Shell) -> None:
    shell.transport.on("GET", ROUTE, reply(404, {"detail": "There is no tenant of this id."}))
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(shell.folder / "out")) == 1
    assert [sent.method for sent in shell.transport.sent] == ["GET"]


def export(shell: Shell, objects: dict[str, bytes], removed: dict[str, Any] = EXPORTED) -> Path:
    """Prepares a removal with an export; returns the folder for it."""
    shell.transport.on("DELETE", ROUTE, reply(202, {}))
    shell.transport.on("GET", ROUTE, reply(200, TENANT), reply(200, REMOVING), reply(200, removed))
    listed = [
        {"name": name, "size": len(content), "url": f"{LINK}/{number}?X-Amz-Signature=s"}
        for number, (name, content) in enumerate(objects.items())
    ]
    pages = [reply(200, {"objects": [each], "next_cursor": each["name"]}) for each in listed]
    shell.transport.on("GET", f"{ROUTE}/export", *pages[:-1], reply(200, {"objects": listed[-1:]}))
    for number, content in enumerate(objects.values()):
        shell.transport.on("GET", f"{LINK}/{number}", Response(200, {}, content))
    return shell.folder / "out"


def test_an_export_is_requested_awaited_and_downloaded(shell: Shell) -> None:
    folder = export(shell, {"uploads/규정/휴가.md": b"fifteen days", "vectors/00000.jsonl": b"{}\n"})
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    deletion = next(sent for sent in shell.transport.sent if sent.method == "DELETE")
    assert deletion.url == f"{ROUTE}?export=true"
    downloaded = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert downloaded == {"uploads/규정/휴가.md": b"fifteen days", "vectors/00000.jsonl": b"{}\n"}
    downloads = [sent for sent in shell.transport.sent if sent.url.startswith(LINK)]
    assert [sent.headers for sent in downloads] == [{}, {}], "a link is used without credentials"
    assert shell.out.getvalue().splitlines()[-1] == f"The export is in {folder}: 2 files, 15 B."
    assert "2026-11-21 07:40" in shell.out.getvalue()
    removal = "hanbit is denied access; its data is deleted when its pending uploads have expired."
    assert shell.err.getvalue().splitlines() == [removal, "The export of hanbit is being downloaded."]


def test_an_export_is_printed_as_json(shell: Shell) -> None:
    folder = export(shell, {"uploads/a.md": b"a"})
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder), "--json") == 0
    assert shell.printed["receipt"]["after"] == {"uploads": 0, "keys": 0}
    assert shell.printed["export"] == {"folder": str(folder), "objects": 1, "bytes": 1, "failed": []}
    assert shell.err.getvalue() == ""


def test_a_download_is_counted_on_a_terminal(shell: Shell) -> None:
    shell.err = Terminal()
    folder = export(shell, {"uploads/a.md": b"a", "uploads/b.md": b"b"})
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    assert "2 of 2 files, 2 B" in " ".join(shell.err.getvalue().split())


def test_the_export_of_a_removed_tenant_is_downloaded_again(shell: Shell) -> None:
    folder = export(shell, {"uploads/a.md": b"a"})
    shell.transport.on("GET", ROUTE, reply(200, EXPORTED))
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    assert "DELETE" not in {sent.method for sent in shell.transport.sent}
    assert (folder / "uploads/a.md").read_bytes() == b"a"


def test_a_tenant_removed_without_an_export_has_none(shell: Shell) -> None:
    folder = export(shell, {"uploads/a.md": b"a"})
    shell.transport.on("GET", ROUTE, reply(200, REMOVED))
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 1
    assert "without an export" in shell.err.getvalue()


def test_a_tenant_without_data_has_an_empty_export(shell: Shell) -> None:
    folder = export(shell, {"uploads/a.md": b"a"}, REMOVED)
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    assert shell.out.getvalue().splitlines()[-1] == f"The export is in {folder}: 0 files, 0 B."


@pytest.mark.parametrize("obstacle", ["not empty", "a file"])
def test_an_unusable_export_folder_is_rejected_before_any_removal(shell: Shell, obstacle: str) -> None:
    folder = export(shell, {"uploads/a.md": b"a"})
    if obstacle == "a file":
        folder.write_text("mine", encoding="utf-8")
    else:
        folder.mkdir()
        (folder / "mine.txt").write_text("mine", encoding="utf-8")
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 1
    assert str(folder) in shell.err.getvalue()
    assert shell.transport.sent == []


def test_an_interrupted_download_is_retried(shell: Shell) -> None:
    folder = export(shell, {"uploads/a.md": b"whole"})
    broken: list[Response | BaseException] = [
        StackError("unreachable", "bucket.test cannot be reached."),
        Response(200, {}, b"who"),
    ]
    broken.append(Response(503, {}, b"<Error><Code>SlowDown</Code></Error>"))
    shell.transport.on("GET", f"{LINK}/0", *broken, Response(200, {}, b"whole"))
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    assert (folder / "uploads/a.md").read_bytes() == b"whole"
    assert shell.time.pauses[-3:] == [1, 2, 4]


@pytest.mark.parametrize(
    ("response", "status", "message"),
    [
        (Response(200, {}, b"who"), 3, "was received with 3 of its 5 bytes"),
        (Response(503, {}, b""), 3, "S3 is unavailable for uploads/a.md"),
        (Response(403, {}, b""), 1, "S3 rejected uploads/a.md with status 403"),
        (Response(307, {}, b""), 1, "S3 redirects uploads/a.md to another host (status 307)"),
    ],
    ids=["incomplete", "overloaded", "refused", "redirected"],
)
def test_a_failed_download_of_an_export_prints_how_to_continue(
    shell: Shell, response: Response, status: int, message: str
) -> None:
    folder = export(shell, {"uploads/a.md": b"whole"})
    shell.transport.on("GET", f"{LINK}/0", response)
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == status
    assert message in shell.err.getvalue()
    assert "hanbit was removed, but the download of its export failed" in shell.err.getvalue()
    assert "within seven days" in shell.err.getvalue()
    assert not (folder / "uploads/a.md").exists()


def test_an_object_name_that_no_file_can_have_does_not_stop_the_others(shell: Shell) -> None:
    long = "uploads/" + "n" * 300
    folder = export(shell, {"uploads/a": b"1", "uploads/a/b": b"2", long: b"3", "uploads/z": b"4"})
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder), "--json") == 1
    assert [failure["name"] for failure in shell.printed["export"]["failed"]] == ["uploads/a/b", long]
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["a", "z"]


def test_two_objects_with_the_same_file_name_are_reported(shell: Shell) -> None:
    folder = export(shell, {"uploads/%2E%2E": b"1", "uploads/..": b"2"})
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 1
    assert "uploads/..: It cannot be stored: another object has the same file name" in shell.out.getvalue()
    assert (folder / "uploads/%2E%2E").read_bytes() == b"1"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("uploads/규정/휴가 규정.md", "uploads/규정/휴가 규정.md"),
        ("uploads/../../etc/passwd", "uploads/%2E%2E/%2E%2E/etc/passwd"),
        ("/etc/passwd", "%/etc/passwd"),
        ("uploads//a/./b/", "uploads/%/a/%2E/b/%"),
        ("uploads/a\x00b\n", "uploads/a%00b%0A"),
        ("uploads/...", "uploads/..."),
    ],
)
def test_no_object_name_leads_out_of_the_folder(name: str, path: str) -> None:
    assert str(file_path(Path("/out"), name)) == f"/out/{path}"


def test_links_are_renewed_before_they_expire(shell: Shell) -> None:
    folder = export(shell, {"uploads/a": b"1", "uploads/b": b"2"})
    first = {"name": "uploads/a", "size": 1, "url": f"{LINK}/0"}
    stale, fresh = ({"name": "uploads/b", "size": 1, "url": f"{LINK}/{number}"} for number in ("stale", 1))
    listings = ([first, stale], [first, fresh])
    shell.transport.on("GET", f"{ROUTE}/export", *(reply(200, {"objects": objects}) for objects in listings))
    shell.transport.on("GET", f"{LINK}/stale", Response(403, {}, b""))
    download = shell.transport.download

    def slow_download(url: str, write: Any) -> int:
        shell.time.elapsed += 601  # a link is valid for 900 seconds
        status: int = download(url, write)
        return status

    shell.transport.download = slow_download
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    assert (folder / "uploads/b").read_bytes() == b"2"
