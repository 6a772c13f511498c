import json
from pathlib import Path

import pytest

from cli.demo.__main__ import main
from cli.demo.checks import letters_and_digits
from cli.demo.documents import COMPANIES, FRIDGE_REPLACED, WARRANTY_QUESTION, WARRANTY_QUESTION_AFTER
from tests.unit.cli.fake_onggi import FakeOnggi
from tests.unit.cli.fakes import FakeAccount, FakeCloudFormation, FakeCloudWatch, Shell

ARGUMENTS = ("--endpoint", "http://127.0.0.1:4566", "--stack", "onggi-prod", "--region", "ap-northeast-2")


@pytest.fixture
def onggi() -> FakeOnggi:
    return FakeOnggi(FakeCloudWatch())


@pytest.fixture
def demo_shell(tmp_path: Path, onggi: FakeOnggi) -> Shell:
    clients = {"cloudformation": FakeCloudFormation(), "cloudwatch": onggi._cloudwatch, "s3": onggi}
    return Shell(tmp_path, transport=onggi, account=FakeAccount(clients=clients))


def test_all_checks_pass_on_a_correct_stack(demo_shell: Shell) -> None:
    status = main(ARGUMENTS, demo_shell.environment)
    shown = demo_shell.out.getvalue()
    assert "✗" not in shown
    assert status == 0
    assert "15일" in shown
    assert "hanbit  인사/취업규칙.pdf: ready" in shown


def test_the_demonstration_can_run_twice_on_the_same_stack(demo_shell: Shell) -> None:
    assert main(ARGUMENTS, demo_shell.environment) == 0
    assert main(ARGUMENTS, demo_shell.environment) == 0


@pytest.mark.parametrize(
    ("fault", "chapter"),
    [
        ("leak", "No tenant finds the other's documents"),
        ("stale", "A document is replaced"),
        ("undeleted", "A document is deleted"),
        ("misquote", "They ask questions"),
        ("broken", "They upload their documents to S3"),
        ("miscount", "The usage, from the CloudWatch metrics"),
    ],
)
def test_a_fault_of_the_stack_fails_its_chapter(demo_shell: Shell, onggi: FakeOnggi, fault: str, chapter: str) -> None:
    onggi.faults.add(fault)
    assert main((*ARGUMENTS, "--json"), demo_shell.environment) == 1
    printed = json.loads(demo_shell.out.getvalue())
    assert not printed["ok"]
    failed = [check for check in printed["checks"] if not check["held"]]
    assert chapter in {check["chapter"] for check in failed}
    assert all(check["wrong"] for check in failed)


def test_the_json_output_is_one_document(demo_shell: Shell) -> None:
    assert main((*ARGUMENTS, "--json"), demo_shell.environment) == 0
    printed = json.loads(demo_shell.out.getvalue())
    assert printed["ok"]
    assert [usage["tenant_id"] for usage in printed["usage"]] == ["hanbit", "ridgeline"]
    assert demo_shell.err.getvalue() == ""


def test_a_missing_stack_fails(demo_shell: Shell) -> None:
    status = main(("--stack", "nowhere", "--region", "ap-northeast-2"), demo_shell.environment)
    assert status == 3
    assert "nowhere" in demo_shell.err.getvalue()


def test_a_bucket_without_versioning_is_reported(
    demo_shell: Shell, onggi: FakeOnggi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onggi, "put_object", lambda **_: {})
    assert main(ARGUMENTS, demo_shell.environment) == 1
    assert "versioning" in demo_shell.err.getvalue()
    assert "✗" in demo_shell.out.getvalue()


def test_each_fact_is_in_its_document_only() -> None:
    texts = {document.path: document.text for company in COMPANIES for document in company.documents}
    for company in COMPANIES:
        for question in company.questions:
            assert [path for path, text in texts.items() if question.fact in text] == [question.path]
    assert WARRANTY_QUESTION_AFTER.fact in FRIDGE_REPLACED.text
    assert WARRANTY_QUESTION.fact not in FRIDGE_REPLACED.text
    assert not any(WARRANTY_QUESTION_AFTER.fact in text for text in texts.values())


def test_the_companies_have_documents_of_every_type() -> None:
    for company in COMPANIES:
        assert {document.content_type for document in company.dropped} == {
            "application/pdf",
            "text/markdown",
            "text/plain",
        }
    assert any(not document.path.isascii() for company in COMPANIES for document in company.dropped)


def test_letters_and_digits_ignores_markup_and_line_breaks() -> None:
    assert letters_and_digits("# 제목\n\n세 줄-로, 나뉜") == letters_and_digits("제목 세줄로 나뉜")
