import json
import stat
import tomllib
import unicodedata
from pathlib import Path

import pytest

from cli.__main__ import main
from cli.errors import StackError
from cli.transport import Response
from tests.unit.cli.fakes import API, FORM, NOW, FakeCloudWatch, Shell, Terminal, reply

BASE = f"{API}/v1"
TENANT = {
    "tenant_id": "hanbit",
    "name": "한빛가전",
    "tier": "basic",
    "status": "active",
    "created_at": "2026-11-20T03:00:00Z",
}
ANSWER = {
    "answer": "연차 휴가는 15일입니다. [1]",
    "grounded": True,
    "citations": [
        {
            "marker": 1,
            "document_id": "d1",
            "document_name": "취업규칙.pdf",
            "page": 2,
            "start": 0,
            "end": 14,
            "quote": "연차 휴가는\n15일입니다.",
            "score": 0.8,
        }
    ],
    "model": "claude",
    "usage": {"embedding_tokens": 3, "input_tokens": 1834, "output_tokens": 143, "cost_usd": "0.000412"},
    "latency_ms": {"retrieve": 41, "generate": 630, "total": 688},
}


def document(name: str, **changes: object) -> dict[str, object]:
    return {
        "document_id": f"id-{name}",
        "name": name,
        "key": f"tenants/hanbit/{name}",
        "version": "v1",
        "status": "ready",
        "size": 2048,
        "pages": 3,
        "chunks": 7,
        "uploaded_at": "2026-11-20T03:00:00Z",
        **changes,
    }


# tenant


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


# key


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


# put


def prepare_upload(shell: Shell, *states: dict[str, object]) -> None:
    shell.store_key("hanbit")
    form = {"url": FORM, "fields": {"key": "tenants/hanbit/a.md", "policy": "p"}}
    shell.transport.on("POST", f"{BASE}/documents", reply(201, {"document_id": "d1", "upload": form}))
    shell.transport.on("POST", FORM, Response(204, {"x-amz-version-id": "v2"}, b""))
    shell.transport.on("GET", f"{BASE}/documents/d1", *(reply(200, state) for state in states))


def test_put_uploads_and_waits_for_its_own_version(shell: Shell) -> None:
    prepare_upload(
        shell,
        document("manuals/a.md", version="v1", status="ready"),
        document("manuals/a.md", version="v2", status="processing"),
        document("manuals/a.md", version="v2", status="ready"),
    )
    file = shell.folder / "a.md"
    file.write_bytes(b"# Hello\n")
    assert shell.run("put", str(file), "--prefix", "manuals/", "--metadata", "team=a=b") == 0

    created, form = shell.transport.sent[:2]
    assert created.headers["authorization"] == "Bearer onggi_hanbit_secret"
    assert created.json == {
        "name": "manuals/a.md",
        "content_type": "text/markdown",
        "size": 8,
        "metadata": {"team": "a=b"},
    }
    assert form.headers["content-length"] == str(len(form.body))
    assert "authorization" not in form.headers
    assert form.body.index(b'name="policy"') < form.body.index(b'name="file"')
    assert b"\r\n\r\n# Hello\n\r\n--" in form.body
    assert len(shell.time.pauses) == 2
    assert shell.out.getvalue() == "ready     manuals/a.md (3 pages, 7 chunks)\n"
    states = ["uploading", "pending", "processing", "ready"]
    assert shell.err.getvalue().splitlines() == [f"a.md: {state}" for state in states]


def test_put_prints_the_number_of_unreadable_pages(shell: Shell) -> None:
    prepare_upload(shell, document("scan.pdf", version="v2", needs_ocr=2))
    file = shell.folder / "scan.pdf"
    file.write_bytes(b"%PDF-")
    assert shell.run("put", str(file)) == 0
    expected = "ready     scan.pdf (3 pages, 7 chunks, 2 pages without readable text)\n"
    assert shell.out.getvalue() == expected


def test_put_shows_bars_on_a_terminal(shell: Shell) -> None:
    prepare_upload(shell, document("a.md", version="v2"))
    shell.err = Terminal()
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    assert shell.run("put", str(shell.folder / "a.md")) == 0
    assert "━" in shell.err.getvalue()
    assert "ready" in shell.err.getvalue()


def test_put_normalises_a_decomposed_name(shell: Shell) -> None:
    prepare_upload(shell, document("취업규칙.pdf", version="v2"))
    file = shell.folder / unicodedata.normalize("NFD", "취업규칙.pdf")
    file.write_bytes(b"%PDF")
    assert shell.run("put", str(file)) == 0
    assert shell.transport.sent[0].json["name"] == "취업규칙.pdf"


def test_put_reports_a_document_that_failed(shell: Shell) -> None:
    error = {"code": "encrypted", "message": "The file is encrypted: remove its password."}
    prepare_upload(shell, document("a.pdf", version="v2", status="failed", error=error))
    file = shell.folder / "a.pdf"
    file.write_bytes(b"%PDF")
    assert shell.run("put", str(file)) == 1
    assert shell.out.getvalue() == "failed    a.pdf: The file is encrypted: remove its password. (encrypted)\n"


def test_put_of_several_files_reports_each(shell: Shell) -> None:
    prepare_upload(shell, document("a.md", version="v2"))
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    files = [str(shell.folder / "a.md"), str(shell.folder / "missing.md")]
    assert shell.run("put", *files, "--json") == 1
    first, second = shell.printed["documents"]
    assert first["status"] == "ready"
    assert second["error"] == {
        "code": "unreadable",
        "message": f"{files[1]} cannot be read: No such file or directory.",
    }
    assert shell.err.getvalue() == ""


def test_put_with_no_wait_returns_after_the_upload(shell: Shell) -> None:
    prepare_upload(shell)
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    assert shell.run("put", str(shell.folder / "a.md"), "--no-wait", "--json") == 0
    [outcome] = shell.printed["documents"]
    assert (outcome["document_id"], outcome["version"], outcome["status"]) == ("d1", "v2", "uploaded")


def test_put_prints_the_reason_of_a_rejection_by_s3(shell: Shell) -> None:
    prepare_upload(shell)
    refusal = b"<Error><Code>EntityTooLarge</Code><Message>Your proposed upload is too large</Message></Error>"
    shell.transport.on("POST", FORM, Response(400, {}, refusal))
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    assert shell.run("put", str(shell.folder / "a.md")) == 1
    assert "S3 rejected a.md: Your proposed upload is too large. (upload_refused)" in shell.out.getvalue()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_put_explains_a_redirect(shell: Shell, status: int) -> None:
    prepare_upload(shell)
    body = b"<Error><Message>Please re-send this request to the specified temporary endpoint</Message></Error>"
    shell.transport.on("POST", FORM, Response(status, {"location": "https://documents.s3.other.test/"}, body))
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    assert shell.run("put", str(shell.folder / "a.md")) == 1
    printed = shell.out.getvalue()
    assert f"S3 redirects a.md to documents.s3.other.test (status {status})" in printed
    assert "deploy the stack again" in printed
    assert "(redirected)" in printed


def test_put_explains_a_redirect_without_a_location(shell: Shell) -> None:
    prepare_upload(shell)
    shell.transport.on("POST", FORM, Response(307, {}, b""))
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    assert shell.run("put", str(shell.folder / "a.md")) == 1
    assert "S3 redirects a.md to another host (status 307)" in shell.out.getvalue()


def test_put_times_out_after_15_minutes(shell: Shell) -> None:
    prepare_upload(shell, document("a.md", version="v2", status="processing"))
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    assert shell.run("put", str(shell.folder / "a.md"), "--json") == 1
    assert shell.printed["documents"][0]["error"]["code"] == "timeout"
    assert shell.time.elapsed == pytest.approx(900)


def test_put_rejects_malformed_metadata(shell: Shell, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        shell.run("put", "a.md", "--metadata", "team")
    assert ended.value.code == 2
    assert "'team' does not have the form KEY=VALUE" in capsys.readouterr().err


def test_an_interrupted_put_exits_with_130(shell: Shell) -> None:
    prepare_upload(shell)
    shell.transport.on("POST", f"{BASE}/documents", KeyboardInterrupt())
    (shell.folder / "a.md").write_text("x", encoding="utf-8")
    assert shell.run("put", str(shell.folder / "a.md")) == 130


# ls and rm


def test_ls_prints_status_and_errors(shell: Shell) -> None:
    shell.store_key("hanbit")
    error = {"code": "corrupt", "message": "The file is damaged."}
    failed = document("b.pdf", status="failed", error=error, pages=None, chunks=None)
    shell.transport.on("GET", f"{BASE}/documents", reply(200, {"documents": [document("가.pdf"), failed]}))
    assert shell.run("ls", "--status", "failed") == 0
    assert "status=failed" in shell.transport.sent[0].url
    lines = shell.out.getvalue().splitlines()
    assert lines[1].split() == ["ready", "가.pdf", "3", "7", "2.0", "KiB", "2026-11-20", "03:00"]
    assert lines[2].split()[:4] == ["failed", "b.pdf", "–", "–"]
    assert lines[3] == "b.pdf: The file is damaged. (corrupt)"


def test_ls_reads_every_page(shell: Shell) -> None:
    shell.store_key("hanbit")
    shell.transport.on(
        "GET",
        f"{BASE}/documents",
        reply(200, {"documents": [document("a")], "next_cursor": "n"}),
        reply(200, {"documents": [document("b")]}),
    )
    assert shell.run("ls", "--json") == 0
    assert [listed["name"] for listed in shell.printed["documents"]] == ["a", "b"]


@pytest.mark.parametrize(
    "reference", ["가.pdf", "id-가.pdf", "tenants/hanbit/가.pdf", unicodedata.normalize("NFD", "가.pdf")]
)
def test_rm_finds_by_name_id_or_key_and_waits(shell: Shell, reference: str) -> None:
    shell.store_key("hanbit")
    shell.transport.on("GET", f"{BASE}/documents", reply(200, {"documents": [document("가.pdf"), document("b.pdf")]}))
    route = f"{BASE}/documents/id-%EA%B0%80.pdf"
    shell.transport.on("DELETE", route, reply(202, document("가.pdf", status="deleting")))
    shell.transport.on(
        "GET", route, reply(200, document("가.pdf", status="deleting")), reply(404, {"title": "Not found"})
    )
    assert shell.run("rm", reference) == 0
    assert shell.out.getvalue() == "deleted   가.pdf\n"
    assert len(shell.time.pauses) == 1


def test_rm_deletes_nothing_if_one_name_is_unknown(shell: Shell) -> None:
    shell.store_key("hanbit")
    shell.transport.on("GET", f"{BASE}/documents", reply(200, {"documents": [document("a.pdf")]}))
    assert shell.run("rm", "a.pdf", "z.pdf", "--json") == 1
    assert json.loads(shell.err.getvalue())["error"]["code"] == "not_found"
    assert [sent.method for sent in shell.transport.sent] == ["GET"]


def test_rm_rejects_an_ambiguous_name(shell: Shell) -> None:
    shell.store_key("hanbit")
    twins = [document("a.pdf", key="tenants/hanbit/1", document_id="1"), document("a.pdf", key="2", document_id="2")]
    shell.transport.on("GET", f"{BASE}/documents", reply(200, {"documents": twins}))
    assert shell.run("rm", "a.pdf") == 2
    assert "2 documents are named a.pdf" in shell.err.getvalue()


# ask and search


def test_ask_prints_the_answer_and_its_citations(shell: Shell) -> None:
    shell.store_key("hanbit")
    shell.transport.on("POST", f"{BASE}/query", reply(200, ANSWER))
    assert shell.run("ask", "연차 휴가는 며칠인가요?") == 0
    assert shell.transport.sent[0].json == {"question": "연차 휴가는 며칠인가요?"}
    assert shell.out.getvalue().splitlines() == [
        "연차 휴가는 15일입니다. [1]",
        "",
        '[1] 취업규칙.pdf, page 2: "연차 휴가는 15일입니다."',
        "claude · 1,834 + 143 tokens · $0.000412 · 688 ms",
    ]


def test_ask_prints_the_response_as_json(shell: Shell) -> None:
    shell.store_key("hanbit")
    shell.transport.on("POST", f"{BASE}/query", reply(200, ANSWER))
    assert shell.run("--json", "ask", "x") == 0
    assert shell.printed == ANSWER


def test_an_answer_cannot_control_the_terminal(shell: Shell) -> None:
    shell.store_key("hanbit")
    hostile = {**ANSWER, "answer": "\x1b[2J[bold]\x9b31m", "citations": []}
    shell.transport.on("POST", f"{BASE}/query", reply(200, hostile))
    assert shell.run("ask", "x") == 0
    assert shell.out.getvalue().startswith("�[2J[bold]�31m\n")


def test_search_prints_the_passages(shell: Shell) -> None:
    shell.store_key("hanbit")
    passage = {"document_name": "가.md", "page": 1, "text": "첫 줄\n둘째 줄", "score": 0.81234}
    shell.transport.on("POST", f"{BASE}/retrieve", reply(200, {"passages": [passage], "usage": {}}))
    assert shell.run("search", "줄") == 0
    assert shell.out.getvalue().splitlines()[1].split() == ["0.812", "가.md", "1", "첫", "줄", "둘째", "줄"]


# usage


def test_usage_sums_the_last_day(shell: Shell) -> None:
    shell.store_key("hanbit")
    cloudwatch: FakeCloudWatch = shell.account.clients["cloudwatch"]
    earlier = NOW.replace(hour=3)
    cloudwatch.emit("hanbit", earlier, Queries=1, InputTokens=100, QueryLatency=300, StoredVectors=9)
    cloudwatch.emit("hanbit", NOW, Queries=1, InputTokens=50, QueryLatency=100, StoredVectors=4, EstimatedCostUSD=0.25)
    cloudwatch.emit("hanbit", NOW, Queries=1, QueryLatency=200)
    cloudwatch.emit("hanbit", NOW.replace(day=18), Queries=70)
    cloudwatch.emit("ridgeline", NOW, Queries=5)
    assert shell.run("usage", "--json") == 0
    [used] = shell.printed["tenants"]
    assert used["tenant_id"] == "hanbit"
    assert (used["queries"], used["input_tokens"], used["output_tokens"]) == (3, 150, 0)
    assert used["query_latency_mean_ms"] == pytest.approx(200)
    assert (used["stored_vectors"], used["stored_bytes"]) == (4, None)
    assert used["estimated_cost_usd"] == pytest.approx(0.25)


def test_usage_of_all_tenants_prints_a_table(shell: Shell) -> None:
    cloudwatch: FakeCloudWatch = shell.account.clients["cloudwatch"]
    cloudwatch.emit("hanbit", Queries=1234)
    cloudwatch.emit("ridgeline", StoredBytes=4096, EstimatedCostUSD=0.5)
    assert shell.run("usage", "--all") == 0
    lines = [line.split() for line in shell.out.getvalue().splitlines()]
    assert lines[0] == ["hanbit", "ridgeline"]
    assert ["queries", "1,234", "0"] in lines
    assert ["stored", "–", "4.0", "KiB"] in lines
    assert ["estimated", "cost", "$0.000000", "$0.500000"] in lines


def test_usage_of_many_tenants_fits_a_terminal(shell: Shell) -> None:
    cloudwatch: FakeCloudWatch = shell.account.clients["cloudwatch"]
    for number in range(9):
        cloudwatch.emit(f"tenant-{number}", Queries=1)
    assert shell.run("usage", "--all") == 0
    assert max(map(len, shell.out.getvalue().splitlines())) <= 80
    assert all(f"tenant-{number}" in shell.out.getvalue() for number in range(9))


def test_usage_includes_the_last_day(shell: Shell) -> None:
    assert shell.run("usage", "--tenant", "hanbit", "--from", "2026-11-01", "--to", "2026-11-03", "--json") == 0
    assert (shell.printed["from"], shell.printed["to"]) == ("2026-11-01T00:00:00+00:00", "2026-11-04T00:00:00+00:00")
    [request] = shell.account.clients["cloudwatch"].requests
    assert {query["MetricStat"]["Period"] for query in request["MetricDataQueries"]} == {3600}


@pytest.mark.parametrize(
    "arguments", [("--from", "2026-11-03", "--to", "2026-11-01", "--tenant", "a"), ("--all", "--tenant", "a")]
)
def test_usage_rejects_contradictory_options(shell: Shell, arguments: tuple[str, ...]) -> None:
    assert shell.run("usage", *arguments) == 2


def test_usage_prints_the_reason_of_a_rejection_by_cloudwatch(shell: Shell) -> None:
    shell.account.clients["cloudwatch"].rejects = True
    assert shell.run("usage", "--tenant", "hanbit") == 1
    assert shell.err.getvalue() == "onggi: CloudWatch rejected the request for metrics: You may not read metrics.\n"


# all commands


def test_an_error_is_one_sentence_or_one_json_document(shell: Shell) -> None:
    shell.store_key("hanbit")
    problem = {
        "type": "https://onggi.dev/problems/invalid_request",
        "title": "Bad request",
        "status": 400,
        "detail": "The request is not valid.",
        "errors": [{"field": "question", "message": "is empty"}],
    }
    shell.transport.on("POST", f"{BASE}/query", reply(400, problem))
    assert shell.run("ask", "") == 1
    assert shell.err.getvalue() == "onggi: The request is not valid (question: is empty).\n"
    assert shell.out.getvalue() == ""
    assert shell.run("ask", "", "--json") == 1
    assert json.loads(shell.err.getvalue()) == {
        "error": {"code": "invalid_request", "message": "The request is not valid (question: is empty)."}
    }


def test_an_unreachable_stack_exits_with_3(shell: Shell) -> None:
    shell.store_key("hanbit")
    shell.transport.on("GET", f"{BASE}/documents", StackError("unreachable", "api.test cannot be reached."))
    assert shell.run("ls") == 3


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_exits_with_4(shell: Shell, status: int) -> None:
    shell.store_key("hanbit")
    shell.transport.on("GET", f"{BASE}/documents", reply(status, {"message": "Forbidden"}))
    assert shell.run("ls") == 4
    assert shell.err.getvalue() == "onggi: Forbidden.\n"


def test_colours_are_printed_on_a_terminal_without_no_color(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    shell.store_key("hanbit")
    shell.transport.on("GET", f"{BASE}/documents", reply(200, {"documents": [document("a")]}))
    assert shell.run("ls") == 0
    assert "\x1b[" not in shell.out.getvalue()
    shell.out = Terminal()
    assert shell.run("ls") == 0
    assert "\x1b[32mready" in shell.out.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    assert shell.run("ls") == 0
    assert "\x1b[32m" not in shell.out.getvalue()


@pytest.mark.parametrize(
    "command",
    [
        ("tenant",), ("tenant", "create"), ("tenant", "list"), ("tenant", "show"), ("tenant", "log"),
        ("tenant", "change"), ("tenant", "suspend"), ("tenant", "resume"), ("tenant", "remove"),
        ("key",), ("key", "list"), ("key", "issue"), ("key", "revoke"),
        ("put",), ("ls",), ("rm",), ("ask",), ("search",), ("usage",),
    ],
)  # fmt: skip
def test_help_shows_an_example(shell: Shell, command: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        shell.run(*command, "--help")
    assert ended.value.code == 0
    example = capsys.readouterr().out.partition("example")[2]
    assert f"onggi {' '.join(command)}" in example


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"onggi {project['project']['version']}\n"
