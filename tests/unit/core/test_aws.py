"""Sessions of tenants, clients, and what the SDK's errors become."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    IncompleteReadError,
    ReadTimeoutError,
)

from onggi.adapters.aws import AwsSession, TenantSessions, translated
from onggi.domain.errors import TransientError
from tests.unit.core.fakes import tenant_named

EXPIRES = 1_800_000_000.0
ROLE = "arn:aws:iam::123456789012:role/onggi-tenant-data"


class FakeSts:
    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def client(self, service: str) -> "FakeSts":
        assert service == "sts"
        return self

    def assume_role(self, **parameters: Any) -> dict[str, Any]:
        self.calls.append(parameters)
        secret = parameters["RoleSessionName"]
        expiration = datetime.fromtimestamp(EXPIRES + len(self.calls), UTC)
        credentials = {"AccessKeyId": "id", "SecretAccessKey": secret, "SessionToken": "t", "Expiration": expiration}
        return {"Credentials": credentials}


class Times:
    def __init__(self) -> None:
        self.now = EXPIRES - 3600

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def sts() -> FakeSts:
    return FakeSts()


@pytest.fixture
def times() -> Times:
    return Times()


@pytest.fixture
def sessions(sts: FakeSts, times: Times) -> TenantSessions:
    return TenantSessions(sts, ROLE, times)  # type: ignore[arg-type]  # only its STS client is asked for


def test_a_tenant_assumes_the_role_once_with_its_tag(sessions: TenantSessions, sts: FakeSts) -> None:
    assert sessions.of(tenant_named("acme")) is sessions.of(tenant_named("acme"))
    assert len(sts.calls) == 1
    assert sts.calls[0]["RoleArn"] == ROLE
    assert sts.calls[0]["Tags"] == [{"Key": "TenantId", "Value": "acme"}]
    assert sts.calls[0]["DurationSeconds"] == 3600


def test_tenants_have_sessions_of_their_own(sessions: TenantSessions, sts: FakeSts) -> None:
    acme, other = sessions.of(tenant_named("acme")), sessions.of(tenant_named("other"))
    for session, secret in ((acme, "acme"), (other, "other")):
        credentials = session._session.get_credentials()
        assert credentials is not None
        assert credentials.secret_key == secret
    assert [call["Tags"][0]["Value"] for call in sts.calls] == ["acme", "other"]


def test_a_session_is_renewed_while_uploads_that_it_has_signed_stay_valid(
    sessions: TenantSessions, sts: FakeSts, times: Times
) -> None:
    """An upload is good for 900 seconds, and no longer than the session: 20 minutes leave room for slow clocks."""
    first = sessions.of(tenant_named("acme"))
    expires = EXPIRES + 1  # of the first session
    times.now = expires - 1200.5
    assert sessions.of(tenant_named("acme")) is first
    times.now = expires - 1200
    assert sessions.of(tenant_named("acme")) is not first
    assert len(sts.calls) == 2


def test_only_so_many_sessions_are_kept_those_used_last(sessions: TenantSessions, sts: FakeSts) -> None:
    """64 sessions with a client or two each are some 100 MB, which the smallest function has to spare."""
    names = [f"tenant-{number}" for number in range(64)]
    for name in (*names, names[0], "one-more", names[0]):
        sessions.of(tenant_named(name))
    assert len(sts.calls) == 65, "the 64 are kept, and the one used last stays"
    sessions.of(tenant_named(names[1]))
    assert len(sts.calls) == 66, "the one used longest ago has gone"


def test_the_role_is_assumed_as_sts_wants_it(aws: AwsSession) -> None:
    session = TenantSessions(aws, ROLE).of(tenant_named("acme"))
    assert session.client("sts").get_caller_identity()["Arn"].endswith("onggi-tenant-data/acme")


def test_threads_share_one_client(monkeypatch: pytest.MonkeyPatch) -> None:
    session = AwsSession()
    made: list[object] = []

    def slowly(service: str, **_: object) -> object:
        time.sleep(0.01)  # long enough for every thread to come by
        made.append(service)
        return object()

    monkeypatch.setattr(session._session, "create_client", slowly)
    together = threading.Barrier(8)
    clients: list[object] = []

    def use() -> None:
        together.wait()
        clients.append(session.client("bedrock-runtime"))

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert len(set(map(id, clients))) == 1


def client_error(code: str, status: int) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "Operation")


def faults() -> Iterator[Exception]:
    yield client_error("ThrottlingException", 400)
    yield client_error("ProvisionedThroughputExceededException", 400)
    yield client_error("ServiceQuotaUnknown", 503)
    yield client_error("WhateverItIs", 500)
    yield client_error("SlowDown", 503)
    yield ReadTimeoutError(endpoint_url="http://x")
    yield ConnectTimeoutError(endpoint_url="http://x")
    yield EndpointConnectionError(endpoint_url="http://x")
    yield IncompleteReadError(actual_bytes=1, expected_bytes=2)


@pytest.mark.parametrize("fault", list(faults()), ids=lambda fault: type(fault).__name__ + str(fault)[-20:])
def test_what_may_pass_is_transient(fault: Exception) -> None:
    with pytest.raises(TransientError), translated("S3"):
        raise fault


@pytest.mark.parametrize(("code", "status"), [("AccessDenied", 403), ("WhateverItIs", 499)])
def test_what_stays_wrong_passes_untouched(code: str, status: int) -> None:
    with pytest.raises(ClientError, match=code), translated("S3"):
        raise client_error(code, status)


@pytest.mark.parametrize(
    "code",
    [
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "LimitExceededException",
        "ModelErrorException",
        "ModelNotReadyException",
        "ModelTimeoutException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingErrorException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    ],
)
def test_codes_of_what_may_pass_with_whatever_status(code: str) -> None:
    with pytest.raises(TransientError), translated("S3"):
        raise client_error(code, 400)


@pytest.mark.parametrize(("reason", "may_pass"), [("TransactionConflict", True), ("ConditionalCheckFailed", False)])
def test_a_transaction_that_met_another_may_pass_and_one_whose_condition_failed_may_not(
    reason: str, *, may_pass: bool
) -> None:
    error = client_error("TransactionCanceledException", 400)
    error.response["CancellationReasons"] = [{"Code": "None"}, {"Code": reason}]
    with pytest.raises(TransientError if may_pass else ClientError), translated("DynamoDB"):
        raise error
