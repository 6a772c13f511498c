from pathlib import Path

import pytest

from local import deploy
from local.settings import LocalCloudError


@pytest.fixture
def build(tmp_path: Path) -> Path:
    folder = tmp_path / "build"
    (folder / "Query").mkdir(parents=True)
    (folder / "template.yaml").write_text("Resources: {}\n", encoding="utf-8")
    (folder / "Query/app.py").write_text("VALUE = 1\n", encoding="utf-8")
    return folder


def test_the_same_build_for_the_same_endpoint_has_the_same_fingerprint(build: Path) -> None:
    assert deploy.fingerprint(build, "http://127.0.0.1:1") == deploy.fingerprint(build, "http://127.0.0.1:1")


def test_an_endpoint_a_name_and_a_byte_each_change_the_fingerprint(build: Path) -> None:
    fingerprints = [deploy.fingerprint(build, "http://127.0.0.1:1"), deploy.fingerprint(build, "http://127.0.0.1:2")]
    (build / "Query/app.py").write_text("VALUE = 2\n", encoding="utf-8")
    fingerprints.append(deploy.fingerprint(build, "http://127.0.0.1:1"))
    (build / "Query/app.py").rename(build / "Query/main.py")
    fingerprints.append(deploy.fingerprint(build, "http://127.0.0.1:1"))
    assert len(set(fingerprints)) == 4


def test_where_nothing_is_built_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="run `make build` first"):
        deploy.fingerprint(tmp_path, "http://127.0.0.1:1")


def test_where_no_cloud_runs_a_sentence_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(LocalCloudError, match="start it with"):
        deploy.deploy(tmp_path)


def test_sam_gets_nothing_of_the_users_own_account(
    build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-production")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://example.com")
    sam = tmp_path / "sam"
    sam.write_text("#!/bin/sh\nenv > environment\nexit 1\n", encoding="utf-8")
    sam.chmod(0o755)
    monkeypatch.setattr(deploy, "SAM", sam)
    monkeypatch.setattr(deploy, "BUILD", build)
    monkeypatch.setattr(deploy, "REPOSITORY", tmp_path)
    assert deploy._sam_deploy("http://127.0.0.1:1", "ap-northeast-2", tmp_path / "log", str) == 1
    lines = (tmp_path / "environment").read_text(encoding="utf-8").splitlines()
    assert dict(line.split("=", 1) for line in lines if line.startswith("AWS_")) == {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_REGION": "ap-northeast-2",
        "AWS_DEFAULT_REGION": "ap-northeast-2",
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    }


def test_the_offer_names_every_output() -> None:
    outputs = {"ApiUrl": "http://127.0.0.1:1/api", "DocumentsBucketName": "onggi-documents"}
    said = deploy.offer(deploy.Deployment("onggi", "id", "ap-northeast-2", "http://127.0.0.1:1", outputs, "f"))
    assert all(name in said and value in said for name, value in outputs.items())
