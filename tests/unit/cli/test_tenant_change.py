"""The commands that change, suspend, resume and log tenants."""

from typing import Any

import pytest

from cli.transport import Response
from tests.unit.cli.fakes import API, Shell, Terminal, reply

ROUTE = f"{API}/v1/admin/tenants/hanbit"
TENANT: dict[str, Any] = {
    "tenant_id": "hanbit",
    "name": "한빛가전",
    "tier": "basic",
    "status": "active",
    "settings": {"chunk_size": 800, "ocr": False},
}


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
