"""Tenants are changed, suspended, resumed, looked into and removed."""

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


def test_change_sends_what_was_said_and_shows_the_tenant(shell: Shell) -> None:
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


def test_a_change_of_nothing_is_a_mistake(shell: Shell) -> None:
    assert shell.run("tenant", "change", "hanbit") == 2
    assert "--setting" in shell.err.getvalue()
    assert shell.transport.sent == []


@pytest.mark.parametrize(
    "options", [("--setting", "ocr"), ("--limit", "=3"), ("--tier", "gold")], ids=["no value", "no name", "no tier"]
)
def test_options_of_another_form_are_told_before_anything_is_sent(shell: Shell, options: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        shell.run("tenant", "change", "hanbit", *options)
    assert ended.value.code == 2
    assert shell.transport.sent == []


def test_what_the_stack_refuses_is_passed_on(shell: Shell) -> None:
    errors = [{"field": "settings.chunk_size", "message": "must be from 200 to 1600"}]
    shell.transport.on("PATCH", ROUTE, reply(400, {"detail": "The request is not valid.", "errors": errors}))
    assert shell.run("tenant", "change", "hanbit", "--setting", "chunk_size=1") == 1
    assert "settings.chunk_size: must be from 200 to 1600" in shell.err.getvalue()


def moving(stage: str) -> Response:
    return reply(200, {**TENANT, "move": {"tier": "premium", "stage": stage}})


def test_a_change_of_tier_is_waited_for_stage_by_stage(shell: Shell) -> None:
    premium = {**TENANT, "tier": "premium"}
    shell.transport.on("PATCH", ROUTE, moving("preparing"))
    leaving = reply(200, {**premium, "move": {"tier": "premium", "stage": "leaving"}})
    shell.transport.on("GET", ROUTE, moving("preparing"), *[moving("copying")] * 2, leaving, reply(200, premium))
    assert shell.run("tenant", "change", "hanbit", "--tier", "premium") == 0
    assert shell.transport.sent[0].json == {"tier": "premium"}
    stages = ["preparing", "copying", "leaving"]
    assert shell.err.getvalue().splitlines() == [f"hanbit moves to premium: {stage}" for stage in stages]
    assert ["tier", "premium"] in [line.split() for line in shell.out.getvalue().splitlines()]


def test_a_tier_that_a_tenant_has_already_is_not_waited_for(shell: Shell) -> None:
    shell.transport.on("PATCH", ROUTE, reply(200, TENANT))
    shell.transport.on("GET", ROUTE, reply(200, TENANT))
    assert shell.run("tenant", "change", "hanbit", "--tier", "basic", "--json") == 0
    assert shell.printed == TENANT
    assert shell.time.pauses == []


def test_a_move_that_stops_tells_why(shell: Shell) -> None:
    stopped = {"tier": "premium", "stage": "copying", "reason": "The key could not be made."}
    shell.transport.on("PATCH", ROUTE, moving("preparing"))
    shell.transport.on("GET", ROUTE, moving("preparing"), reply(200, {**TENANT, "move": stopped}))
    assert shell.run("tenant", "change", "hanbit", "--tier", "premium") == 1
    assert "onggi: The move of hanbit to premium has stopped: The key could not be made.\n" in shell.err.getvalue()


def test_a_move_that_does_not_end_is_given_up(shell: Shell) -> None:
    shell.transport.on("PATCH", ROUTE, moving("copying"))
    shell.transport.on("GET", ROUTE, moving("copying"))
    assert shell.run("tenant", "change", "hanbit", "--tier", "premium", "--json") == 5
    assert shell.time.elapsed == pytest.approx(3600)
    assert shell.err.getvalue().count("\n") == 1, "programs read one error and no progress"


def test_waiting_moves_on_a_terminal_and_leaves_nothing_there(shell: Shell) -> None:
    shell.err = Terminal()
    shell.transport.on("PATCH", ROUTE, moving("copying"))
    shell.transport.on("GET", ROUTE, moving("copying"), reply(200, {**TENANT, "tier": "premium"}))
    assert shell.run("tenant", "change", "hanbit", "--tier", "premium") == 0
    assert "hanbit moves to premium: copying" in shell.err.getvalue()
    assert "0:00:0" in shell.err.getvalue()
    assert "\x1b[2K" in shell.err.getvalue()


# suspend and resume


@pytest.mark.parametrize(
    ("action", "status", "said"), [("suspend", "suspended", "open nothing"), ("resume", "active", "processed now")]
)
def test_suspend_and_resume(shell: Shell, action: str, status: str, said: str) -> None:
    shell.transport.on("PATCH", ROUTE, reply(200, {**TENANT, "status": status}))
    assert shell.run("tenant", action, "hanbit") == 0
    assert shell.transport.sent[0].json == {"status": status}
    assert shell.out.getvalue().startswith(f"한빛가전 (hanbit) is {status}.\n")
    assert said in shell.out.getvalue()
    assert shell.run("tenant", action, "hanbit", "--json") == 0
    assert shell.printed["status"] == status


def test_a_tenant_that_is_going_is_not_suspended(shell: Shell) -> None:
    detail = "The tenant is removing; only one that is active or suspended can be changed."
    shell.transport.on("PATCH", ROUTE, reply(409, {"detail": detail}))
    assert shell.run("tenant", "suspend", "hanbit") == 1
    assert shell.err.getvalue() == f"onggi: {detail}\n"


# log


def test_log_says_who_has_changed_what(shell: Shell) -> None:
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
    at, by = "2026-11-20 03:00", "arn:op"
    assert lines[1:] == [
        f"{at} key.revoked 0afa6e43e589, revoked_at: – → 2026-11-21 {by}",
        f"{at} key.issued 0afa6e43e589, reader {by}",
        f"{at} tenant.suspended status: active → suspended {by}",
        f"{at} tenant.changed settings.chunk_size: 800 → 400, settings.ocr: false → true {by}",
        f"{at} tenant.created hanbit, 한빛가전, basic {by}",
    ]


def test_log_for_programs_is_the_trail_as_it_came(shell: Shell) -> None:
    entry = {"at": "x", "author": "a", "action": "tenant.created", "before": None, "after": TENANT}
    shell.transport.on("GET", f"{ROUTE}/audit", reply(200, {"entries": [entry]}))
    assert shell.run("tenant", "log", "hanbit", "--json") == 0
    assert shell.printed == {"entries": [entry]}


# remove


def test_remove_waits_for_the_receipt_and_shows_it(shell: Shell) -> None:
    shell.transport.on("DELETE", ROUTE, reply(202, {"tenant_id": "hanbit", "status": "removing"}))
    shell.transport.on("GET", ROUTE, reply(200, TENANT), *[reply(200, REMOVING)] * 2, reply(200, REMOVED))
    assert shell.run("tenant", "remove", "hanbit", "--yes") == 0
    assert [sent.url for sent in shell.transport.sent if sent.method == "DELETE"] == [ROUTE]
    lines = [line.split() for line in shell.out.getvalue().splitlines()]
    assert lines[1:] == [["what", "before", "after"], ["uploads", "12", "0"], ["keys", "1", "0"]]
    assert "2026-11-21 07:40" in shell.out.getvalue()


def test_the_key_of_a_tenant_that_was_removed_is_forgotten_and_no_other(shell: Shell) -> None:
    shell.know_key("hanbit")
    shell.know_key("ridgeline")
    shell.transport.on("GET", ROUTE, reply(200, REMOVED))
    assert shell.run("tenant", "remove", "hanbit", "--yes") == 0
    kept = json.loads((shell.local_folder / "keys.json").read_text(encoding="utf-8"))["onggi-local"]
    assert set(kept) == {"ridgeline"}


def test_a_removal_that_has_ended_is_not_asked_for_again(shell: Shell) -> None:
    shell.transport.on("GET", ROUTE, reply(200, REMOVED))
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--json") == 0
    assert shell.printed == REMOVED
    assert [sent.method for sent in shell.transport.sent] == ["GET"]


def test_show_of_a_tenant_that_was_removed_is_its_receipt(shell: Shell) -> None:
    shell.transport.on("GET", ROUTE, reply(200, EXPORTED))
    assert shell.run("tenant", "show", "hanbit") == 0
    assert ["uploads", "12", "0"] in [line.split() for line in shell.out.getvalue().splitlines()]


def test_nothing_is_removed_unless_it_is_meant(shell: Shell) -> None:
    assert shell.run("tenant", "remove", "hanbit") == 1
    assert "--yes" in shell.err.getvalue()
    assert shell.transport.sent == []


def test_a_removal_that_stops_is_told(shell: Shell) -> None:
    shell.transport.on("DELETE", ROUTE, reply(202, {}))
    stopped = reply(200, {**REMOVING, "reason": "S3 was down."})
    shell.transport.on("GET", ROUTE, stopped)
    assert shell.run("tenant", "remove", "hanbit", "--yes") == 1
    assert "S3 was down." in shell.err.getvalue()
    shell.transport.on("GET", ROUTE, stopped, reply(200, REMOVING), reply(200, REMOVED))
    assert shell.run("tenant", "remove", "hanbit", "--yes") == 0, "the same command takes it up"


def test_what_is_asked_of_a_tenant_that_is_not_there_is_told(shell: Shell) -> None:
    shell.transport.on("GET", ROUTE, reply(404, {"detail": "There is no tenant of this id."}))
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(shell.folder / "out")) == 1
    assert [sent.method for sent in shell.transport.sent] == ["GET"]


def export(shell: Shell, objects: dict[str, bytes], removed: dict[str, Any] = EXPORTED) -> Path:
    """Prepares a removal with an export; returns the folder that it may go into."""
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


def test_an_export_is_asked_for_waited_for_and_fetched(shell: Shell) -> None:
    folder = export(shell, {"uploads/규정/휴가.md": b"fifteen days", "vectors/00000.jsonl": b"{}\n"})
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    deletion = next(sent for sent in shell.transport.sent if sent.method == "DELETE")
    assert deletion.url == f"{ROUTE}?export=true"
    fetched = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert fetched == {"uploads/규정/휴가.md": b"fifteen days", "vectors/00000.jsonl": b"{}\n"}
    downloads = [sent for sent in shell.transport.sent if sent.url.startswith(LINK)]
    assert [sent.headers for sent in downloads] == [{}, {}], "a link needs no credentials, and gets none"
    assert shell.out.getvalue().splitlines()[-1] == f"The export is in {folder}: 2 files, 15 B."
    assert "2026-11-21 07:40" in shell.out.getvalue()
    said = ["hanbit is denied from now on; its data goes once its open uploads have expired."]
    assert shell.err.getvalue().splitlines() == [*said, "The export of hanbit is being fetched."]


def test_an_export_for_programs(shell: Shell) -> None:
    folder = export(shell, {"uploads/a.md": b"a"})
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder), "--json") == 0
    assert shell.printed["receipt"]["after"] == {"uploads": 0, "keys": 0}
    assert shell.printed["export"] == {"folder": str(folder), "objects": 1, "bytes": 1, "failed": []}
    assert shell.err.getvalue() == ""


def test_fetching_is_counted_on_a_terminal(shell: Shell) -> None:
    shell.err = Terminal()
    folder = export(shell, {"uploads/a.md": b"a", "uploads/b.md": b"b"})
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    assert "2 of 2 files, 2 B" in " ".join(shell.err.getvalue().split())


def test_an_export_of_a_tenant_that_was_removed_is_fetched_again(shell: Shell) -> None:
    folder = export(shell, {"uploads/a.md": b"a"})
    shell.transport.on("GET", ROUTE, reply(200, EXPORTED))
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    assert "DELETE" not in {sent.method for sent in shell.transport.sent}
    assert (folder / "uploads/a.md").read_bytes() == b"a"


def test_a_tenant_that_was_removed_without_an_export_has_none(shell: Shell) -> None:
    folder = export(shell, {"uploads/a.md": b"a"})
    shell.transport.on("GET", ROUTE, reply(200, REMOVED))
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 1
    assert "without an export" in shell.err.getvalue()


def test_a_tenant_that_had_nothing_is_removed_all_the_same(shell: Shell) -> None:
    folder = export(shell, {"uploads/a.md": b"a"}, REMOVED)
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    assert shell.out.getvalue().splitlines()[-1] == f"The export is in {folder}: 0 files, 0 B."


@pytest.mark.parametrize("obstacle", ["something in it", "a file"])
def test_a_folder_that_cannot_take_an_export_is_told_before_anything_is_removed(shell: Shell, obstacle: str) -> None:
    folder = export(shell, {"uploads/a.md": b"a"})
    if obstacle == "a file":
        folder.write_text("mine", encoding="utf-8")
    else:
        folder.mkdir()
        (folder / "mine.txt").write_text("mine", encoding="utf-8")
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 1
    assert str(folder) in shell.err.getvalue()
    assert shell.transport.sent == []


def test_an_answer_that_breaks_off_is_asked_for_again(shell: Shell) -> None:
    folder = export(shell, {"uploads/a.md": b"whole"})
    broken: list[Response | BaseException] = [
        StackError("unreachable", "bucket.test does not answer."),
        Response(200, {}, b"who"),
    ]
    broken.append(Response(503, {}, b"<Error><Code>SlowDown</Code></Error>"))
    shell.transport.on("GET", f"{LINK}/0", *broken, Response(200, {}, b"whole"))
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    assert (folder / "uploads/a.md").read_bytes() == b"whole"
    assert shell.time.pauses[-3:] == [1, 2, 4]


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        (Response(200, {}, b"who"), 3, "came with 3 of its 5 bytes"),
        (Response(503, {}, b""), 3, "S3 does not give uploads/a.md at the moment"),
        (Response(403, {}, b""), 1, "S3 refuses uploads/a.md with status 403"),
        (Response(307, {}, b""), 1, "S3 redirects uploads/a.md to another host (status 307)"),
    ],
    ids=["incomplete", "overloaded", "refused", "redirected"],
)
def test_an_export_that_cannot_be_fetched_says_how_to_go_on(
    shell: Shell, answer: Response, status: int, said: str
) -> None:
    folder = export(shell, {"uploads/a.md": b"whole"})
    shell.transport.on("GET", f"{LINK}/0", answer)
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == status
    assert said in shell.err.getvalue()
    assert "hanbit was removed, but its export was not fetched to its end" in shell.err.getvalue()
    assert "within seven days" in shell.err.getvalue()
    assert not (folder / "uploads/a.md").exists()


def test_a_name_that_no_file_can_have_does_not_stop_the_others(shell: Shell) -> None:
    long = "uploads/" + "n" * 300
    folder = export(shell, {"uploads/a": b"1", "uploads/a/b": b"2", long: b"3", "uploads/z": b"4"})
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder), "--json") == 1
    assert [failure["name"] for failure in shell.printed["export"]["failed"]] == ["uploads/a/b", long]
    assert sorted(path.name for path in folder.rglob("*") if path.is_file()) == ["a", "z"]


def test_of_two_names_that_come_to_the_same_file_none_is_lost_in_silence(shell: Shell) -> None:
    folder = export(shell, {"uploads/%2E%2E": b"1", "uploads/..": b"2"})
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 1
    assert "uploads/..: It cannot be stored: another one of the names is the same" in shell.out.getvalue()
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
def test_no_name_leads_out_of_the_folder(name: str, path: str) -> None:
    assert str(file_path(Path("/out"), name)) == f"/out/{path}"


def test_links_are_asked_for_anew_before_they_expire(shell: Shell) -> None:
    folder = export(shell, {"uploads/a": b"1", "uploads/b": b"2"})
    first = {"name": "uploads/a", "size": 1, "url": f"{LINK}/0"}
    stale, fresh = ({"name": "uploads/b", "size": 1, "url": f"{LINK}/{number}"} for number in ("stale", 1))
    listings = ([first, stale], [first, fresh])
    shell.transport.on("GET", f"{ROUTE}/export", *(reply(200, {"objects": objects}) for objects in listings))
    shell.transport.on("GET", f"{LINK}/stale", Response(403, {}, b""))
    download = shell.transport.download

    def slowly(url: str, take: Any) -> int:
        shell.time.elapsed += 601  # a link is good for 900 seconds, and a download takes its time
        status: int = download(url, take)
        return status

    shell.transport.download = slowly
    assert shell.run("tenant", "remove", "hanbit", "--yes", "--export", str(folder)) == 0
    assert (folder / "uploads/b").read_bytes() == b"2"
