import json
import stat

import pytest

from tests.unit.cli.fakes import Shell, reply
from tests.unit.cli.uploads import BASE

TENANT = {
    "tenant_id": "hanbit",
    "name": "한빛가전",
    "tier": "basic",
    "status": "active",
    "created_at": "2026-11-20T03:00:00Z",
}


def test_create_waits_and_stores_the_key_and_shows_it_once(shell: Shell) -> None:
    shell.transport.on("POST", f"{BASE}/admin/tenants", reply(202, {"tenant_id": "hanbit", "status": "provisioning"}))
    provisioning = {**TENANT, "status": "provisioning"}
    shell.transport.on("GET", f"{BASE}/admin/tenants/hanbit", *[reply(200, provisioning)] * 2, reply(200, TENANT))
    key = {"key_id": "k7", "api_key": "onggi_hanbit_shown", "tenant_id": "hanbit", "created_at": "2026-11-20T03:00:01Z"}
    shell.transport.on("POST", f"{BASE}/admin/tenants/hanbit/keys", reply(201, key))

    assert shell.run("tenant", "create", "hanbit", "--name", "한빛가전") == 0

    assert shell.transport.sent[0].json == {"tenant_id": "hanbit", "name": "한빛가전", "tier": "basic"}
    assert all(sent.headers["authorization"].startswith("AWS4-HMAC-SHA256 ") for sent in shell.transport.sent)
    assert "/ap-northeast-2/execute-api/aws4_request" in shell.transport.sent[0].headers["authorization"]
    assert shell.out.getvalue().count("onggi_hanbit_shown") == 1
    assert len(shell.time.pauses) == 2
    stored = shell.local_folder / "keys.json"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert json.loads(stored.read_text(encoding="utf-8"))["onggi-local"]["hanbit"]["api_key"] == "onggi_hanbit_shown"


def test_create_prints_tenant_and_key_as_json(shell: Shell) -> None:
    shell.transport.on("POST", f"{BASE}/admin/tenants", reply(202, {}))
    shell.transport.on("GET", f"{BASE}/admin/tenants/hanbit", reply(200, TENANT))
    issued = {"key_id": "k7", "api_key": "onggi_hanbit_shown", "tenant_id": "hanbit", "created_at": "now"}
    shell.transport.on("POST", f"{BASE}/admin/tenants/hanbit/keys", reply(201, issued))
    assert shell.run("tenant", "create", "hanbit", "--name", "x", "--json") == 0
    expected = {"key_id": "k7", "api_key": "onggi_hanbit_shown", "created_at": "now"}
    assert shell.printed == {"tenant": TENANT, "key": expected}


def test_create_sends_the_chosen_options(shell: Shell) -> None:
    shell.transport.on("POST", f"{BASE}/admin/tenants", reply(202, {}))
    shell.transport.on("GET", f"{BASE}/admin/tenants/hanbit", reply(200, TENANT))
    issued = {"key_id": "k7", "api_key": "onggi_hanbit_shown", "tenant_id": "hanbit", "created_at": "now"}
    shell.transport.on("POST", f"{BASE}/admin/tenants/hanbit/keys", reply(201, issued))
    more = ("--setting", "ocr=true", "--limit", "documents=100", "--tier", "premium")
    assert shell.run("tenant", "create", "hanbit", "--name", "x", "--setting", "chunk_size=600", *more) == 0
    expected = {"tenant_id": "hanbit", "name": "x", "tier": "premium", "limits": {"documents": 100}}
    assert shell.transport.sent[0].json == expected | {"settings": {"chunk_size": 600, "ocr": True}}


def test_create_fails_if_the_onboarding_fails(shell: Shell) -> None:
    shell.transport.on("POST", f"{BASE}/admin/tenants", reply(202, {}))
    shell.transport.on("GET", f"{BASE}/admin/tenants/hanbit", reply(200, {**TENANT, "status": "failed"}))
    assert shell.run("tenant", "create", "hanbit", "--name", "x") == 1
    assert "hanbit is failed" in shell.err.getvalue()
    assert not (shell.local_folder / "keys.json").exists()


def test_create_times_out(shell: Shell) -> None:
    shell.transport.on("POST", f"{BASE}/admin/tenants", reply(202, {}))
    shell.transport.on("GET", f"{BASE}/admin/tenants/hanbit", reply(200, {**TENANT, "status": "provisioning"}))
    assert shell.run("tenant", "create", "hanbit", "--name", "x") == 5
    assert shell.time.elapsed == pytest.approx(900)
    assert max(shell.time.pauses) <= 2


def test_list_reads_every_page(shell: Shell) -> None:
    other = {**TENANT, "tenant_id": "ridgeline", "name": "Ridgeline"}
    shell.transport.on(
        "GET",
        f"{BASE}/admin/tenants",
        reply(200, {"tenants": [TENANT], "next_cursor": "a+b"}),
        reply(200, {"tenants": [other]}),
    )
    assert shell.run("tenant", "list", "--json") == 0
    assert [tenant["tenant_id"] for tenant in shell.printed["tenants"]] == ["hanbit", "ridgeline"]
    assert shell.transport.sent[1].url.endswith("cursor=a%2Bb")


def test_list_prints_a_table(shell: Shell) -> None:
    shell.transport.on("GET", f"{BASE}/admin/tenants", reply(200, {"tenants": [TENANT]}))
    assert shell.run("tenant", "list") == 0
    assert shell.out.getvalue().splitlines()[1].split() == [
        "hanbit", "한빛가전", "basic", "active", "2026-11-20", "03:00",
    ]  # fmt: skip


def test_show_prints_limits_and_placement(shell: Shell) -> None:
    tenant = {**TENANT, "limits": {"queries_per_minute": 60}, "placement": {"index": "hanbit"}}
    shell.transport.on("GET", f"{BASE}/admin/tenants/hanbit", reply(200, tenant))
    assert shell.run("tenant", "show", "hanbit") == 0
    assert "limits.queries_per_minute  60" in shell.out.getvalue()
