import json
import unicodedata

import pytest

from tests.unit.cli.fakes import Shell, reply
from tests.unit.cli.uploads import BASE, document


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
