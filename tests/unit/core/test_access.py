"""Who is let in, as whom, and what is noted of changes to that."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from onggi.domain.access import ROLES, ApiKey, PoolUser, Role, has_rights_of, strongest_role
from onggi.domain.audit import Author
from onggi.domain.errors import InvalidRequest, NotFound, TransientError, Unauthorized
from onggi.domain.timestamps import timestamp
from onggi.requests.keys import key_request
from onggi.steps.access.authorize import Caller, authorize, note_use
from onggi.steps.access.keys import KeyRequest, issue_key, list_keys, revoke_key
from tests.unit.core.fakes import FakeTenant, tenant_named

OPERATOR = Author("arn:aws:iam::123456789012:role/operator", "request-1")
WRITER = KeyRequest("writer", None, None)


class Pool:
    """A user pool that knows one token."""

    def __init__(self, signed_in_at: datetime = datetime(2030, 1, 1, tzinfo=UTC)) -> None:
        self.signed_in_at = signed_in_at

    def verify(self, token: str) -> PoolUser:
        if token != "head.claims.signature":
            raise Unauthorized("No.")
        return PoolUser("acme", "7d1f", "owner", self.signed_in_at)


def test_a_token_from_before_the_tenant_was_made_is_refused(acme: FakeTenant) -> None:
    record = acme.directory.find("acme")
    assert record is not None
    made = datetime.fromisoformat(record.created_at).replace(microsecond=0)
    for seconds, let_in_as in ((0, "acme/user/7d1f"), (1, "acme/user/7d1f"), (-1, None)):
        pool = Pool(made + timedelta(seconds=seconds))
        if let_in_as is None:
            with pytest.raises(Unauthorized, match="older"):
                authorize("Bearer head.claims.signature", acme.directory, acme.access.ring, pool, acme.clock)
        else:
            caller = authorize("Bearer head.claims.signature", acme.directory, acme.access.ring, pool, acme.clock)
            assert caller.name == let_in_as


def issued(acme: FakeTenant, wanted: KeyRequest = WRITER) -> str:
    result = issue_key("acme", wanted, OPERATOR, acme.access.ports("acme"))
    assert result["tenant_id"] == "acme"
    credential: str = result["api_key"]
    return credential


def let_in(acme: FakeTenant, header: str) -> Caller:
    return authorize(header, acme.directory, acme.access.ring, Pool(), acme.clock)


@pytest.mark.parametrize("tenant_id", ["a--b", "-ab", "ab-"])
def test_a_key_of_what_is_no_tenant_id_is_not_looked_up(acme: FakeTenant, tenant_id: str) -> None:
    def no_ring(looked_up: str) -> Any:
        raise AssertionError(looked_up)

    header = f"Bearer onggi_{tenant_id}_{'a' * 12}{'b' * 43}"
    with pytest.raises(Unauthorized, match="malformed"):
        authorize(header, acme.directory, no_ring, Pool(), acme.clock)


def only_key(acme: FakeTenant) -> ApiKey:
    (key,) = acme.access.ring("acme").keys.values()
    return key


def test_a_key_verifies_its_tenant_and_role_whatever_the_scheme_is_spelt_like(acme: FakeTenant) -> None:
    credential = issued(acme, KeyRequest("reader", None, None))
    acme.directory.set_status("acme", "suspended")
    for header in (f"Bearer {credential}", f"bearer  {credential} "):
        caller = let_in(acme, header)
        assert (caller.record.context.tenant_id, caller.record.status) == ("acme", "suspended")
        assert (caller.name, caller.role) == (f"acme/{only_key(acme).key_id}", "reader")


def test_a_token_verifies_the_tenant_and_role_of_its_user(acme: FakeTenant) -> None:
    caller = let_in(acme, "Bearer head.claims.signature")
    assert (caller.record.context, caller.name, caller.role) == (acme.context, "acme/user/7d1f", "owner")
    for refused in ("Bearer head.claims.forged", "Basic head.claims.signature", "Bearer head.claims."):
        with pytest.raises(Unauthorized):
            let_in(acme, refused)


def test_a_user_of_a_tenant_that_is_gone_is_not_let_in(acme: FakeTenant) -> None:
    acme.directory.records.clear()
    with pytest.raises(Unauthorized):
        let_in(acme, "Bearer head.claims.signature")


def test_only_a_hash_of_a_key_is_kept(acme: FakeTenant) -> None:
    credential = issued(acme)
    secret = credential.split("_", 2)[2]
    assert secret[12:] not in repr(only_key(acme))
    assert secret[12:] not in repr(acme.access.trail("acme").entries)
    assert issued(acme) != credential


@pytest.mark.parametrize(
    "change",
    [
        lambda credential: credential[:0],
        lambda credential: credential,
        lambda credential: "Basic " + credential,
        lambda credential: "Bearer" + credential[:0],
        lambda credential: "Bearer " + credential[:-1],
        lambda credential: "Bearer " + credential + "x",
        lambda credential: "Bearer " + credential[:-1] + ("a" if credential[-1] != "a" else "b"),
        lambda credential: "Bearer " + credential.replace("acme", "other"),
        lambda credential: "Bearer " + credential.replace("acme", "ac--me"),
        lambda credential: "Bearer " + credential + "\nx",
        lambda credential: "Bearer " + credential * 1000,
    ],
)
def test_what_is_no_key_of_the_tenant(acme: FakeTenant, change: object) -> None:
    credential = issued(acme)
    acme.directory.create(replace(acme.directory.records["acme"], context=tenant_named("other")))
    assert callable(change)
    with pytest.raises(Unauthorized) as caught:
        let_in(acme, change(credential))
    assert credential not in str(caught.value)


def test_the_key_of_a_tenant_that_is_gone_is_unknown(acme: FakeTenant) -> None:
    credential = issued(acme)
    acme.directory.records.clear()
    with pytest.raises(Unauthorized):
        let_in(acme, f"Bearer {credential}")


def test_a_key_ends_at_its_time_and_not_before(acme: FakeTenant) -> None:
    credential = issued(acme, KeyRequest("writer", "CI", acme.clock() + timedelta(hours=2)))
    acme.clock.advance(hours=1, minutes=59)
    assert let_in(acme, f"Bearer {credential}").role == "writer"
    acme.clock.advance(minutes=1)
    with pytest.raises(Unauthorized):
        let_in(acme, f"Bearer {credential}")


def test_a_revoked_key_opens_nothing_and_stays_listed_as_it_ended(acme: FakeTenant) -> None:
    credential, ports = issued(acme), acme.access.ports("acme")
    ended_at = timestamp(acme.clock())
    revoked = revoke_key(only_key(acme).key_id, OPERATOR, ports)
    assert revoked["revoked_at"] == ended_at
    with pytest.raises(Unauthorized):
        let_in(acme, f"Bearer {credential}")
    acme.clock.advance(hours=1)
    assert revoke_key(revoked["key_id"], OPERATOR, ports) == revoked
    assert list_keys(10, None, ports) == {"keys": [revoked]}


@pytest.mark.parametrize("key_id", ["0123456789ab", "", "x" * 3000, "../acme", "가나다라마바사아자차카타"])
def test_a_key_that_the_tenant_does_not_have_cannot_be_revoked(acme: FakeTenant, key_id: str) -> None:
    issued(acme)
    with pytest.raises(NotFound):
        revoke_key(key_id, OPERATOR, acme.access.ports("acme"))
    with pytest.raises(NotFound):
        revoke_key(only_key(acme).key_id, OPERATOR, acme.access.ports("other"))
    assert only_key(acme).revoked_at is None


def test_what_is_shown_of_keys_opens_nothing(acme: FakeTenant) -> None:
    for _ in range(3):
        issued(acme, KeyRequest("owner", "이름", acme.clock() + timedelta(days=1)))
    ports = acme.access.ports("acme")
    first = list_keys(2, None, ports)
    rest = list_keys(2, first["next_cursor"], ports)
    shown = first["keys"] + rest["keys"]
    assert [key["key_id"] for key in shown] == sorted(acme.access.ring("acme").keys)
    assert "next_cursor" not in rest
    for key in acme.access.ring("acme").keys.values():
        assert key.secret_hash not in json.dumps(shown)
        assert key.salt not in json.dumps(shown)
    assert {(key["role"], key["name"]) for key in shown} == {("owner", "이름")}


def test_the_last_use_of_a_key_is_noted_once_an_hour(acme: FakeTenant) -> None:
    credential = issued(acme)

    def use() -> str | None:
        note_use(let_in(acme, f"Bearer {credential}"), acme.access.ring, acme.clock)
        return only_key(acme).last_used_at

    first = use()
    assert first == timestamp(acme.clock())
    acme.clock.advance(minutes=59)
    assert use() == first
    acme.clock.advance(minutes=1)
    assert use() == timestamp(acme.clock())
    assert acme.access.ring("acme").writes == 2


def test_the_use_of_a_token_is_noted_nowhere(acme: FakeTenant) -> None:
    note_use(let_in(acme, "Bearer head.claims.signature"), acme.access.ring, acme.clock)
    assert acme.access.ring("acme").writes == 0


def test_every_change_of_a_key_is_noted_with_who_and_what(acme: FakeTenant) -> None:
    issued(acme)
    acme.clock.advance(minutes=1)
    owner = Author("acme/user/7d1f", "request-2")
    revoke_key(only_key(acme).key_id, owner, acme.access.ports("acme"))
    (revoked, was_issued), more = acme.access.trail("acme").page(10, None)
    assert (was_issued.action, was_issued.author, was_issued.before) == ("key.issued", OPERATOR, None)
    assert (revoked.action, revoked.author, revoked.at) == ("key.revoked", owner, timestamp(acme.clock()))
    assert revoked.before == was_issued.after
    assert revoked.after == {**(revoked.before or {}), "revoked_at": revoked.at}
    assert more is None


def test_a_key_whose_note_cannot_be_kept_is_told_to_nobody(acme: FakeTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise TransientError("no")

    monkeypatch.setattr(acme.access.trail("acme"), "record", fail)
    with pytest.raises(TransientError):
        issued(acme)


@pytest.mark.parametrize(
    ("groups", "role"),
    [([], "reader"), (["staff"], "reader"), (["reader", "owner"], "owner"), (["writer", "x"], "writer")],
)
def test_the_strongest_group_tells_the_role(groups: list[str], role: Role) -> None:
    assert strongest_role(groups) == role


def test_roles_include_those_before_them() -> None:
    allowed = {(role, needed) for role in ROLES for needed in ROLES if has_rights_of(role, needed)}
    assert len(allowed) == 6
    assert not has_rights_of("reader", "writer")
    assert not has_rights_of("writer", "owner")


NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_a_key_is_asked_for_with_role_name_and_end() -> None:
    assert key_request({}, NOW) == WRITER
    body = {"role": "owner", "name": "CI", "expires_at": "2026-11-21T18:30:00+09:00"}
    assert key_request(body, NOW) == KeyRequest("owner", "CI", NOW + timedelta(minutes=30))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"role": "admin"}, "role"),
        ({"role": ["owner"]}, "role"),
        ({"name": "x" * 101}, "name"),
        ({"name": " "}, "name"),
        ({"expires_at": "2026-11-21T09:00:00Z"}, "expires_at"),
        ({"expires_at": "2027-01-01"}, "expires_at"),
        ({"expires_at": "2027-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:00"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"expires_at": 1800000000}, "expires_at"),
        ({"tenant_id": "other"}, "tenant_id"),
    ],
)
def test_a_key_that_cannot_be_asked_for(body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        key_request(body, NOW)
    assert [name for name, _ in caught.value.errors] == [field]
