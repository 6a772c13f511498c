import pytest

from tests.unit.cli.fakes import Shell, reply
from tests.unit.cli.uploads import BASE

KEY = {"key_id": "0afa6e43e589", "role": "reader", "name": "kiosk", "created_at": "2026-11-20T03:00:00.000Z"}


def test_issue_sends_the_options_and_shows_the_key_once(shell: Shell) -> None:
    issued = {"tenant_id": "hanbit", "api_key": "onggi_hanbit_shown", **KEY}
    shell.transport.on("POST", f"{BASE}/admin/tenants/hanbit/keys", reply(201, issued))
    options = ("--role", "reader", "--name", "kiosk", "--expires-at", "2027-01-31T00:00:00Z")

    assert shell.run("key", "issue", "hanbit", *options) == 0

    (sent,) = shell.transport.sent
    assert sent.json == {"role": "reader", "name": "kiosk", "expires_at": "2027-01-31T00:00:00Z"}
    assert sent.headers["authorization"].startswith("AWS4-HMAC-SHA256 ")
    assert shell.out.getvalue().count("onggi_hanbit_shown") == 1
    assert "onggi key revoke hanbit 0afa6e43e589" in shell.out.getvalue()
    assert not (shell.local_folder / "keys.json").exists(), "an issued key is for somebody else"


def test_issue_sends_no_defaults(shell: Shell) -> None:
    shell.transport.on("POST", f"{BASE}/admin/tenants/hanbit/keys", reply(201, {**KEY, "api_key": "k"}))
    assert shell.run("key", "issue", "hanbit", "--json") == 0
    assert shell.transport.sent[0].json == {}
    assert shell.printed == {**KEY, "api_key": "k"}


def test_key_list_reads_every_page(shell: Shell) -> None:
    ended = {"key_id": "ffffffffffff", "role": "writer", "created_at": "2026-11-20T03:00:00.000Z"}
    ended |= {"last_used_at": "2026-11-20T04:00:00.000Z", "revoked_at": "2026-11-21T05:00:00.000Z"}
    route = f"{BASE}/admin/tenants/hanbit/keys"
    shell.transport.on("GET", route, reply(200, {"keys": [KEY], "next_cursor": "c"}), reply(200, {"keys": [ended]}))
    assert shell.run("key", "list", "hanbit") == 0
    head, first, last = (line.split() for line in shell.out.getvalue().splitlines())
    assert head[:3] == ["key", "role", "name"]
    assert first == ["0afa6e43e589", "reader", "kiosk", "2026-11-20", "03:00", "–", "–", "–"]
    assert last == [
        "ffffffffffff", "writer", "–", "2026-11-20", "03:00", "2026-11-20", "04:00", "–", "2026-11-21", "05:00",
    ]  # fmt: skip
    shell.transport.on("GET", f"{BASE}/admin/tenants/new/keys", reply(200, {"keys": []}))
    assert shell.run("key", "list", "new") == 0
    assert "onggi key issue" in shell.out.getvalue()


def test_revoke_escapes_the_key_id_in_the_path(shell: Shell) -> None:
    revoked = {**KEY, "revoked_at": "2026-11-21T05:00:00.000Z"}
    shell.transport.on("DELETE", f"{BASE}/admin/tenants/hanbit/keys/0afa6e43e589", reply(200, revoked))
    assert shell.run("key", "revoke", "hanbit", "0afa6e43e589") == 0
    assert "revoked   0afa6e43e589" in shell.out.getvalue()
    missing = {"detail": "There is no such key."}
    shell.transport.on("DELETE", f"{BASE}/admin/tenants/hanbit/keys/..%2Fother", reply(404, missing))
    assert shell.run("key", "revoke", "hanbit", "../other") == 1
    assert "There is no such key." in shell.err.getvalue()


def test_an_owner_manages_keys_with_its_own_key(shell: Shell) -> None:
    shell.store_key("hanbit")
    shell.transport.on("POST", f"{BASE}/keys", reply(201, {**KEY, "api_key": "onggi_hanbit_shown"}))
    shell.transport.on("GET", f"{BASE}/keys", reply(200, {"keys": [KEY]}))
    shell.transport.on("DELETE", f"{BASE}/keys/0afa6e43e589", reply(200, {**KEY, "revoked_at": "2026-11-21T05:00:00Z"}))
    assert shell.run("key", "issue", "hanbit", "--role", "reader", "--as-owner") == 0
    assert "onggi key revoke hanbit 0afa6e43e589 --as-owner" in shell.out.getvalue()
    assert shell.run("key", "list", "hanbit", "--as-owner") == 0
    assert shell.run("key", "revoke", "hanbit", "0afa6e43e589", "--as-owner") == 0
    assert {sent.headers["authorization"] for sent in shell.transport.sent} == {"Bearer onggi_hanbit_secret"}
    assert shell.transport.sent[0].json == {"role": "reader"}


def test_a_key_without_the_role_owner_is_rejected_with_a_reason(shell: Shell) -> None:
    shell.store_key("hanbit")
    detail = "This needs the role owner, and yours is writer; ask an owner of your tenant for it."
    shell.transport.on("GET", f"{BASE}/keys", reply(403, {"detail": detail}))
    assert shell.run("key", "list", "hanbit", "--as-owner") == 4
    assert shell.err.getvalue() == f"onggi: {detail}\n"
    assert shell.run("key", "list", "ridgeline", "--as-owner") == 4
    assert "No API key of ridgeline is stored" in shell.err.getvalue()


def test_an_unknown_role_is_rejected_before_any_request(shell: Shell) -> None:
    with pytest.raises(SystemExit) as ended:
        shell.run("key", "issue", "hanbit", "--role", "admin")
    assert ended.value.code == 2
    assert shell.transport.sent == []
