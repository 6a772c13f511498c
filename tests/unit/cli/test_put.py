import unicodedata

import pytest

from cli.transport import Response
from tests.unit.cli.fakes import FORM, Shell, Terminal
from tests.unit.cli.uploads import BASE, document, prepare_upload


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
