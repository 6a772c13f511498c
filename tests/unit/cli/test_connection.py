import json
import stat
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError
from urllib3.connection import HTTPConnection
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError, NewConnectionError, ReadTimeoutError

from cli.account import BotoAccount
from cli.errors import CredentialError, UsageError
from cli.keystore import KeyStore
from cli.stack import find_local_folder, is_local
from cli.transport import _unreachable
from tests.unit.cli.fakes import API, LOCAL_ENDPOINT, LOCAL_STACK, REGION, Shell, reply

DOCUMENTS = f"{API}/v1/documents"


def authorizations(shell: Shell) -> list[str]:
    return [sent.headers["authorization"] for sent in shell.transport.sent]


def test_the_local_cloud_is_found_from_a_subfolder(shell: Shell) -> None:
    below = shell.folder / "docs" / "deep"
    below.mkdir(parents=True)
    assert find_local_folder({}, below) == shell.local_folder


def test_the_environment_names_another_local_cloud(shell: Shell, tmp_path: Path) -> None:
    assert find_local_folder({"ONGGI_LOCAL": str(tmp_path / "other")}, shell.folder) is None
    assert find_local_folder({"ONGGI_LOCAL": str(shell.local_folder)}, Path("/")) == shell.local_folder


def fails_with_nothing_deployed(shell: Shell, *arguments: str) -> bool:
    """Returns whether a command fails with that message, as text and as JSON."""
    statuses = {shell.run("ls", *arguments), shell.run("ls", "--json", *arguments)}
    error = json.loads(shell.err.getvalue())["error"]
    return (statuses, error["code"]) == ({3}, "no_stack") and "nothing is deployed here: make up" in error["message"]


def test_a_missing_local_cloud_is_reported(bare_shell: Shell) -> None:
    assert fails_with_nothing_deployed(bare_shell)


def test_a_stopped_local_cloud_is_reported(shell: Shell) -> None:
    (shell.local_folder / "cloud.json").unlink()
    assert fails_with_nothing_deployed(shell)


def test_a_killed_local_cloud_is_reported(shell: Shell) -> None:
    shell.cloudformation.fault = EndpointConnectionError(endpoint_url=LOCAL_ENDPOINT)
    assert fails_with_nothing_deployed(shell)


def test_a_local_cloud_without_a_deployment_is_reported(shell: Shell) -> None:
    (shell.local_folder / "stack.json").unlink()
    assert fails_with_nothing_deployed(shell)


def test_a_local_cloud_that_lost_its_stack_is_reported(shell: Shell) -> None:
    del shell.cloudformation.stacks[LOCAL_STACK]
    assert fails_with_nothing_deployed(shell)


def test_another_local_cloud_on_the_port_is_reported(shell: Shell) -> None:
    shell.cloudformation.stacks[LOCAL_STACK] = "arn:aws:cloudformation:stack/onggi-local/2"
    assert fails_with_nothing_deployed(shell)


@pytest.mark.parametrize("fault", [EndpointConnectionError(endpoint_url=LOCAL_ENDPOINT), None])
def test_an_unknown_stack_of_a_local_cloud_is_reported(bare_shell: Shell, fault: Exception | None) -> None:
    bare_shell.cloudformation.fault = fault
    assert fails_with_nothing_deployed(bare_shell, "--stack", "nowhere", "--endpoint-url", LOCAL_ENDPOINT)


@pytest.mark.parametrize("name", ["cloud.json", "stack.json"])
@pytest.mark.parametrize("written", ["{", "[]", '{"stack_name": "onggi", "endpoint": "http://127.0.0.1:1"}'])
def test_a_malformed_file_of_the_local_cloud_is_reported(shell: Shell, name: str, written: str) -> None:
    (shell.local_folder / name).write_text(written, encoding="utf-8")
    assert fails_with_nothing_deployed(shell)


def test_the_endpoint_comes_from_the_running_cloud(shell: Shell) -> None:
    cloud = {"endpoint": "http://127.0.0.1:4570", "pid": 1, "region": REGION}
    (shell.local_folder / "cloud.json").write_text(json.dumps(cloud), encoding="utf-8")
    shell.store_key("hanbit")
    shell.transport.on("GET", DOCUMENTS, reply(200, {"documents": []}))
    assert shell.run("ls") == 0
    assert shell.account.opened == [(REGION, None, "http://127.0.0.1:4570")]


@pytest.mark.parametrize(
    ("fault", "code", "message"),
    [
        (NewConnectionError(HTTPConnection("x"), "refused"), "no_stack", "nothing is deployed here: make up"),
        (ReadTimeoutError(HTTPConnectionPool("x"), "x", "late"), "unreachable", "interrupted its response"),
    ],
)
def test_a_local_cloud_that_stops_during_a_request_is_reported(fault: HTTPError, code: str, message: str) -> None:
    error = _unreachable(f"{LOCAL_ENDPOINT}/_aws/execute-api/a/live/v1/documents", fault)
    assert error.code == code
    assert message in error.message


def test_an_unreachable_api_is_reported() -> None:
    error = _unreachable(f"{API}/v1/documents", NewConnectionError(HTTPConnection("x"), "refused"))
    assert (error.code, error.message) == ("unreachable", "api.test cannot be reached: check the network.")


def test_a_deployed_stack_is_described_by_cloudformation_and_has_its_own_keys(bare_shell: Shell) -> None:
    shell = bare_shell
    configuration = shell.folder / "configuration"
    shell.environ["XDG_CONFIG_HOME"] = str(configuration)
    named = ("--stack", "onggi-prod", "--region", REGION, "--profile", "ops")
    shell.transport.on("POST", f"{API}/v1/admin/tenants", reply(202, {}))
    tenant = {"tenant_id": "hanbit", "name": "x", "status": "active"}
    shell.transport.on("GET", f"{API}/v1/admin/tenants/hanbit", reply(200, tenant))
    key = {"key_id": "k", "api_key": "onggi_hanbit_deployed", "tenant_id": "hanbit"}
    shell.transport.on("POST", f"{API}/v1/admin/tenants/hanbit/keys", reply(201, key))
    assert shell.run(*named, "tenant", "create", "hanbit", "--name", "x") == 0
    assert set(shell.account.opened) == {(REGION, "ops", None)}

    shell.transport.on("GET", DOCUMENTS, reply(200, {"documents": []}))
    assert shell.run("ls", *named) == 0
    assert authorizations(shell)[-1] == "Bearer onggi_hanbit_deployed"
    stored = configuration / "onggi" / "keys.json"
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert list(json.loads(stored.read_text(encoding="utf-8"))) == ["arn:aws:cloudformation:stack/onggi-prod/1"]


def test_an_unknown_deployed_stack_is_reported(bare_shell: Shell) -> None:
    assert bare_shell.run("ls", "--stack", "nowhere", "--region", REGION) == 3
    assert "Stack with id nowhere does not exist" in bare_shell.err.getvalue()
    assert "make up" not in bare_shell.err.getvalue()


def test_a_region_without_a_stack_is_rejected(shell: Shell) -> None:
    assert shell.run("ls", "--region", REGION) == 2


def test_the_key_of_the_environment_takes_precedence(shell: Shell) -> None:
    shell.store_key("hanbit")
    shell.environ["ONGGI_API_KEY"] = "onggi_ridgeline_environment"
    shell.transport.on("GET", DOCUMENTS, reply(200, {"documents": []}))
    assert shell.run("ls") == 0
    assert authorizations(shell) == ["Bearer onggi_ridgeline_environment"]
    assert shell.run("ls", "--tenant", "hanbit") == 2
    assert "is a key of ridgeline, not of hanbit" in shell.err.getvalue()


def test_a_malformed_key_is_not_sent(shell: Shell) -> None:
    shell.environ["ONGGI_API_KEY"] = "hunter2"
    assert shell.run("ls", "--tenant", "hanbit") == 4
    assert "hunter2" not in shell.err.getvalue()
    assert shell.transport.sent == []


def test_the_tenant_is_optional_if_only_one_key_is_stored(shell: Shell) -> None:
    assert shell.run("ls") == 4
    shell.store_key("hanbit")
    shell.transport.on("GET", DOCUMENTS, reply(200, {"documents": []}))
    assert shell.run("ls") == 0
    shell.store_key("ridgeline")
    assert shell.run("ls") == 2
    assert "hanbit, ridgeline" in shell.err.getvalue()
    assert shell.run("ls", "--tenant", "ridgeline") == 0
    assert authorizations(shell)[-1] == "Bearer onggi_ridgeline_secret"


def test_a_tenant_without_a_stored_key_is_reported(shell: Shell) -> None:
    shell.store_key("hanbit")
    assert shell.run("ls", "--tenant", "ridgeline") == 4
    assert "ONGGI_API_KEY" in shell.err.getvalue()


def test_replacing_a_key_keeps_the_others(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    KeyStore(path, "one").put("hanbit", "k1", "onggi_hanbit_1")
    path.chmod(0o644)
    KeyStore(path, "two").put("hanbit", "k2", "onggi_hanbit_2")
    KeyStore(path, "one").put("hanbit", "k3", "onggi_hanbit_3")
    assert KeyStore(path, "one").get("hanbit") == "onggi_hanbit_3"
    assert KeyStore(path, "two").get("hanbit") == "onggi_hanbit_2"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("written", ["{", "[]"])
def test_a_malformed_key_file_is_reported_and_kept(tmp_path: Path, written: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(written, encoding="utf-8")
    with pytest.raises(CredentialError, match="repair it or move it"):
        KeyStore(path, "one").put("hanbit", "k", "onggi_hanbit_1")
    assert path.read_text(encoding="utf-8") == written


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("http://[::1]:4566", True),
        ("https://vpce-1.execute-api.ap-northeast-2.vpce.amazonaws.com", False),
        ("https://localhost.example.com", False),
        (None, False),
    ],
)
def test_is_local(endpoint: str | None, *, local: bool) -> None:
    assert is_local(endpoint) is local


@pytest.fixture
def users_aws_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An environment with the user's own credentials and no region."""
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own")


@pytest.mark.usefixtures("users_aws_environment")
def test_the_local_cloud_never_gets_the_users_credentials() -> None:
    assert BotoAccount(REGION, None, "http://127.0.0.1:4566").credentials().access_key == "test"
    assert BotoAccount(REGION, None, None).credentials().access_key == "AKIDOWN"


@pytest.mark.usefixtures("users_aws_environment")
def test_clients_of_the_local_cloud_use_path_style_addresses() -> None:
    client = BotoAccount(REGION, None, "http://localhost:4566").client("s3")
    address = client.generate_presigned_url("get_object", Params={"Bucket": "documents", "Key": "a"})
    assert address.startswith("http://localhost:4566/documents/a?")


@pytest.mark.usefixtures("users_aws_environment")
def test_an_account_needs_a_region_and_an_existing_profile() -> None:
    with pytest.raises(UsageError, match="--region"):
        BotoAccount(None, None, None)
    with pytest.raises(CredentialError, match="--profile"):
        BotoAccount(REGION, "nobody", None)
