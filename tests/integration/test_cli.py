"""The `onggi` command against the deployed stack."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from cli.demo.pdf import make_pdf
from tests.integration.local_cloud import REPOSITORY
from tests.integration.product import Product


@pytest.fixture(scope="module")
def folder(product: Product) -> Path:
    files = product.cloud.state / "files"
    files.mkdir()
    (files / "바다.pdf").write_bytes(make_pdf(["등대는 하루에 두 번 소등한다.", "선착장은 여섯 시에 연다."], "바다"))
    (files / "fares.md").write_text("# Fares\n\nThe ferry to the island costs twelve coins.\n", encoding="utf-8")
    (files / "bad.pdf").write_bytes(b"no pdf")
    return files


def run(product: Product, *arguments: str, api_key: str | None = None) -> tuple[int, Any, str]:
    """Runs the command; returns the exit status, the JSON on standard output and the text on standard error."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ONGGI_"))}
    ended = subprocess.run(
        [sys.executable, "-m", "cli", *arguments, "--json"],
        cwd=REPOSITORY,
        env=environment | {"ONGGI_LOCAL": str(product.cloud.state)} | ({"ONGGI_API_KEY": api_key} if api_key else {}),
        capture_output=True,
        timeout=90,
        check=False,
    )
    printed = ended.stdout.decode()
    return ended.returncode, json.loads(printed) if printed.strip() else None, ended.stderr.decode()


def test_the_command_manages_documents_and_questions(product: Product, folder: Path) -> None:
    status, created, _ = run(product, "tenant", "create", "harbour", "--name", "항구")
    assert (status, created["tenant"]["status"]) == (0, "active")
    product.confidential.add(created["key"]["api_key"])
    status, listed, _ = run(product, "tenant", "list")
    assert status == 0
    assert "harbour" in {tenant["tenant_id"] for tenant in listed["tenants"]}
    status, shown, _ = run(product, "tenant", "show", "harbour")
    assert (status, shown["name"]) == (0, "항구")

    status, issued, _ = run(product, "key", "issue", "harbour", "--role", "reader", "--name", "부두")
    assert (status, issued["role"]) == (0, "reader")
    product.confidential.add(issued["api_key"])
    status, revoked, _ = run(product, "key", "revoke", "harbour", issued["key_id"])
    assert (status, "revoked_at" in revoked) == (0, True)
    status, keys, _ = run(product, "key", "list", "harbour")
    assert (status, len(keys["keys"])) == (0, 2)

    put = ("put", str(folder / "바다.pdf"), str(folder / "fares.md"), "--tenant", "harbour", "--metadata", "dock=west")
    status, uploaded, _ = run(product, *put)
    assert (status, [each["status"] for each in uploaded["documents"]]) == (0, ["ready", "ready"])
    assert [each["metadata"] for each in uploaded["documents"]] == [{"dock": "west"}] * 2
    status, listing, _ = run(product, "ls", "--tenant", "harbour")
    assert (status, {each["name"] for each in listing["documents"]}) == (0, {"바다.pdf", "fares.md"})

    status, answer, _ = run(product, "ask", "선착장은 몇 시에 여나요?", "--tenant", "harbour")
    assert (status, answer["grounded"]) == (0, True)
    assert (answer["citations"][0]["document_name"], answer["citations"][0]["page"]) == ("바다.pdf", 2)
    status, found, _ = run(product, "search", "What does the ferry cost?", "--tenant", "harbour")
    assert (status, found["passages"][0]["document_name"]) == (0, "fares.md")
    status, used, _ = run(product, "usage", "--tenant", "harbour")
    assert status == 0
    (usage,) = used["tenants"]
    assert (usage["queries"], usage["documents_ingested"], usage["pages_extracted"]) == (1, 2, 3)
    assert usage["input_tokens"] == answer["usage"]["input_tokens"]

    status, _, _ = run(product, "rm", "fares.md", "--tenant", "harbour")
    assert status == 0
    status, listing, _ = run(product, "ls", "--tenant", "harbour")
    assert {each["name"] for each in listing["documents"]} == {"바다.pdf"}


def test_the_command_manages_a_tenant_until_its_removal(product: Product, folder: Path) -> None:
    assert run(product, "tenant", "create", "jetty", "--name", "Jetty", "--setting", "chunk_size=400")[0] == 0
    status, changed, _ = run(product, "tenant", "change", "jetty", "--name", "잔교", "--setting", "ocr=true")
    assert (status, changed["name"]) == (0, "잔교")
    assert (changed["settings"]["chunk_size"], changed["settings"]["ocr"]) == (400, True)
    assert run(product, "put", str(folder / "fares.md"), "--tenant", "jetty")[0] == 0

    status, suspended, _ = run(product, "tenant", "suspend", "jetty")
    assert (status, suspended["status"]) == (0, "suspended")
    status, resumed, _ = run(product, "tenant", "resume", "jetty")
    assert (status, resumed["status"]) == (0, "active")

    status, removed, _ = run(product, "tenant", "remove", "jetty", "--yes", "--export", str(folder / "jetty"))
    assert (status, removed["status"], removed["export"]["failed"]) == (0, "removed", [])
    assert set(removed["receipt"]["after"].values()) == {0}
    assert (folder / "jetty/uploads/fares.md").read_bytes() == (folder / "fares.md").read_bytes()
    (text,) = (folder / "jetty/texts").rglob("*.txt")
    assert "twelve coins" in text.read_text(encoding="utf-8")
    fetched = [path for path in (folder / "jetty").rglob("*") if path.is_file()]
    assert len(fetched) == removed["export"]["objects"] == removed["receipt"]["export"]["objects"]

    status, again, _ = run(product, "tenant", "remove", "jetty", "--yes", "--export", str(folder / "again"))
    assert (status, again["export"]["bytes"]) == (0, removed["export"]["bytes"])
    status, trail, _ = run(product, "tenant", "log", "jetty")
    assert (status, [entry["action"] for entry in trail["entries"]]) == (
        0,
        ["tenant.removed", "tenant.resumed", "tenant.suspended", "tenant.changed", "key.issued", "tenant.created"],
    )
    assert run(product, "ask", "What does the ferry cost?", "--tenant", "jetty")[0] == 4, "its key is forgotten"


def test_an_owner_manages_keys_without_an_operator(product: Product) -> None:
    status, created, _ = run(product, "tenant", "create", "mole", "--name", "Mole")
    assert status == 0
    status, owner, _ = run(product, "key", "issue", "mole", "--role", "owner")
    assert status == 0
    keys = [str(created["key"]["api_key"]), str(owner["api_key"])]
    product.confidential.update(keys)
    status, _, error = run(product, "key", "list", "mole", "--as-owner")
    assert (status, "owner" in error) == (4, True), "the stored key has the role writer"

    status, issued, _ = run(product, "key", "issue", "mole", "--name", "kiosk", "--as-owner", api_key=keys[1])
    assert (status, issued["role"], issued["name"]) == (0, "writer", "kiosk")
    product.confidential.add(issued["api_key"])
    status, revoked, _ = run(product, "key", "revoke", "mole", issued["key_id"], "--as-owner", api_key=keys[1])
    assert (status, "revoked_at" in revoked) == (0, True)
    status, listed, _ = run(product, "key", "list", "mole", "--as-owner", api_key=keys[1])
    assert (status, len(listed["keys"])) == (0, 3)
    assert run(product, "key", "list", "jetty", "--as-owner", api_key=keys[1])[0] == 2, "another tenant's"


def test_errors_are_printed_and_set_the_exit_status(product: Product, folder: Path) -> None:
    assert run(product, "tenant", "create", "quay", "--name", "Quay")[0] == 0
    status, uploaded, _ = run(product, "put", str(folder / "bad.pdf"), "--tenant", "quay")
    assert status == 1
    assert uploaded["documents"][0]["error"]["code"] == "corrupt"
    for arguments in (
        ("tenant", "create", "quay", "--name", "Quay"),
        ("tenant", "show", "no-such-tenant"),
        ("ask", "Who?", "--tenant", "no-such-tenant"),
        ("ask", "x" * 4001, "--tenant", "quay"),
        ("rm", "missing.txt", "--tenant", "quay"),
        ("tenant", "change", "quay", "--setting", "chunk_size=1"),
        ("tenant", "change", "quay", "--setting", "no_such=1"),
        ("tenant", "suspend", "no-such-tenant"),
        ("tenant", "log", "no-such-tenant"),
        ("tenant", "remove", "no-such-tenant", "--yes"),
        ("tenant", "remove", "quay", "--yes", "--export", str(folder)),
        ("key", "revoke", "quay", "000000000000"),
    ):
        status, output, error = run(product, *arguments)
        assert status != 0, arguments
        sentence = json.dumps(output) + error
        assert "Traceback" not in sentence
        assert "." in sentence
