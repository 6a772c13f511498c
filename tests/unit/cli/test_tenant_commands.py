"""The commands that change, suspend, resume, log and remove tenants."""

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


# change


def test_change_sends_the_options_and_prints_the_tenant(shell: Shell) -> None:
    changed = {**TENANT, "name": "한빛전자", "limits": {"documents": 100}}
    shell.transport.on("PATCH", ROUTE, reply(200, changed))
    options = ("--setting", "chunk_size=400", "--setting", "ocr=true", "--setting", "style=formal")
    limits = ("--limit", "documents=100", "--limit", "stored_bytes=null")
    assert shell.run("tenant", "change", "hanbit", "--name", "한빛전자", *options, *limits) == 0
    (sent,) = shell.transport.sent
    assert sent.json == {
        "name": "한빛전자",
        "settings": {"chunk_size": 400, "ocr": True, "style": "formal"},
        "limits": {"documents": 100, "stored_bytes": None},
    }
    assert sent.headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
    lines = [line.split() for line in shell.out.getvalue().splitlines()]
    assert ["name", "한빛전자"] in lines
    assert ["limits.documents", "100"] in lines
    assert shell.err.getvalue() == ""


def test_a_change_without_options_is_rejected(shell: Shell) -> None:
    assert shell.run("tenant", "change", "hanbit") == 2
    assert "--setting" in shell.err.getvalue()
    assert shell.transport.sent == []


@pytest.mark.parametrize(
    "options", [("--setting", "ocr"), ("--limit", "=3"), ("--tier", "gold")], ids=["no value", "no name", "no tier"]
)
def test_malformed_options_are_rejected_before_any_request(shell: Shell, options: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        shell.run("tenant", "change", "hanbit", *options)
    assert ended.value.code == 2
    assert shell.transport.sent == []


def test_a_rejection_by_the_stack_is_printed(shell: Shell) -> None:
    errors = [{"field": "settings.chunk_size", "message": "must be from 200 to 1600"}]
    shell.transport.on("PATCH", ROUTE, reply(400, {"detail": "The request is not valid.", "errors": errors}))
    assert shell.run("tenant", "change", "hanbit", "--setting", "chunk_size=1") == 1
    assert "settings.chunk_size: must be from 200 to 1600" in shell.err.getvalue()


def moving(stage: str) -> Response:
    return reply(200, {**TENANT, "move": {"tier": "premium", "stage": stage}})


def test_a_change_of_tier_prints_each_stage_until_it_completes(shell: Shell) -> None:
    premium = {**TENANT, "tier": "premium"}
    shell.transport.on("PATCH", ROUTE, moving("preparing"))
    leaving = reply(200, {**premium, "move": {"tier": "premium", "stage": "leaving"}})
    shell.transport.on("GET", ROUTE, moving("preparing"), *[moving("copying")] * 2, leaving, reply(200, premium))
    assert shell.run("tenant", "change", "hanbit", "--tier", "premium") == 0
    assert shell.transport.sent[0].json == {"tier": "premium"}
    stages = ["preparing", "copying", "leaving"]
    assert shell.err.getvalue().splitlines() == [f"hanbit is moving to premium: {stage}" for stage in stages]
    assert ["tier", "premium"] in [line.split() for line in shell.out.getvalue().splitlines()]


def test_a_change_to_the_present_tier_returns_at_once(shell: Shell) -> None:
    shell.transport.on("PATCH", ROUTE, reply(200, TENANT))
    shell.transport.on("GET", ROUTE, reply(200, TENANT))
    assert shell.run("tenant", "change", "hanbit", "--tier", "basic", "--json") == 0
    assert shell.printed == TENANT
    assert shell.time.pauses == []


def test_a_stopped_move_prints_the_reason(shell: Shell) -> None:
    stopped = {"tier": "premium", "stage": "copying", "reason": "The key could not be made."}
    shell.transport.on("PATCH", ROUTE, moving("preparing"))
    shell.transport.on("GET", ROUTE, moving("preparing"), reply(200, {**TENANT, "move": stopped}))
    assert shell.run("tenant", "change", "hanbit", "--tier", "premium") == 1
    assert "onggi: The move of hanbit to premium stopped: The key could not be made.\n" in shell.err.getvalue()


def test_a_move_that_does_not_complete_times_out(shell: Shell) -> None:
    shell.transport.on("PATCH", ROUTE, moving("copying"))
    shell.transport.on("GET", ROUTE, moving("copying"))
    assert shell.run("tenant", "change", "hanbit", "--tier", "premium", "--json") == 5
    assert shell.time.elapsed == pytest.approx(3600)
    assert shell.err.getvalue().count("\n") == 1, "JSON output has one error and no progress"


def test_a_terminal_shows_an_animated_status_line_that_is_cleared(shell: Shell) -> None:
    shell.err = Terminal()
    shell.transport.on("PATCH", ROUTE, moving("copying"))
    shell.transport.on("GET", ROUTE, moving("copying"), reply(200, {**TENANT, "tier": "premium"}))
    assert shell.run("tenant", "change", "hanbit", "--tier", "premium") == 0
    assert "hanbit is moving to premium: copying" in shell.err.getvalue()
    assert "0:00:0" in shell.err.getvalue()
    assert "\x1b[2K" in shell.err.getvalue()


# suspend and resume


@pytest.mark.parametrize(
    ("action", "status", "effect"), [("suspend", "suspended", "denied"), ("resume", "active", "processed now")]
)
def test_suspend_and_resume_change_the_status(shell: Shell, action: str, status: str, effect: str) -> None:
    shell.transport.on("PATCH", ROUTE, reply(200, {**TENANT, "status": status}))
    assert shell.run("tenant", action, "hanbit") == 0
    assert shell.transport.sent[0].json == {"status": status}
    assert shell.out.getvalue().startswith(f"한빛가전 (hanbit) is {status}.\n")
    assert effect in shell.out.getvalue()
    assert shell.run("tenant", action, "hanbit", "--json") == 0
    assert shell.printed["status"] == status


def test_a_tenant_in_removal_is_not_suspended(shell: Shell) -> None:
    detail = "The tenant is removing; only one that is active or suspended can be changed."
    shell.transport.on("PATCH", ROUTE, reply(409, {"detail": detail}))
    assert shell.run("tenant", "suspend", "hanbit") == 1
    assert shell.err.getvalue() == f"onggi: {detail}\n"


# log


def test_log_prints_changes_and_authors(shell: Shell) -> None:
    key = {"key_id": "0afa6e43e589", "role": "reader", "created_at": "2026-11-20T03:00:00.000Z"}
    settled = {**TENANT, "settings": {"chunk_size": 400, "ocr": True}}
    entries = [
        ("key.revoked", key, {**key, "revoked_at": "2026-11-21"}),
        ("key.issued", None, key),
        ("tenant.suspended", TENANT, {**TENANT, "status": "suspended"}),
        ("tenant.changed", TENANT, settled),
        ("tenant.created", None, TENANT),
    ]
    pages = [
        {"at": "2026-11-20T03:00:00.000Z", "author": "arn:op", "action": action, "before": before, "after": after}
        for action, before, after in entries
    ]
    first, second = {"entries": pages[:2], "next_cursor": "c"}, {"entries": pages[2:]}
    shell.transport.on("GET", f"{ROUTE}/audit", reply(200, first), reply(200, second))
    assert shell.run("tenant", "log", "hanbit") == 0
    lines = [" ".join(line.split()) for line in shell.out.getvalue().splitlines()]
    at, author = "2026-11-20 03:00", "arn:op"
    assert lines[1:] == [
        f"{at} key.revoked 0afa6e43e589, revoked_at: – → 2026-11-21 {author}",
        f"{at} key.issued 0afa6e43e589, reader {author}",
        f"{at} tenant.suspended status: active → suspended {author}",
        f"{at} tenant.changed settings.chunk_size: 800 → 400, settings.ocr: false → true {author}",
        f"{at} tenant.created hanbit, 한빛가전, basic {author}",
    ]


def test_log_prints_the_audit_trail_as_json(shell: Shell) -> None:
    entry = {"at": "x", "author": "a", "action": "tenant.created", "before": None, "after": TENANT}
    shell.transport.on("GET", f"{ROUTE}/audit", reply(200, {"entries": [entry]}))
    assert shell.run("tenant", "log", "hanbit", "--json") == 0
    assert shell.printed == {"entries": [entry]}


# remove


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
