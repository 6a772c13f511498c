"""The users of a tenant go with it, and nobody else's."""

from collections.abc import Iterator
from itertools import batched
from typing import Any

import pytest
from botocore.exceptions import ClientError

from onggi.adapters import users as users_module
from onggi.adapters.users import CognitoTenantUsers
from onggi.domain.errors import TransientError
from tests.unit.core.fakes import tenant_named


class Pool:
    """A session whose Cognito keeps one pool; it answers pages of two users and is its own paginator."""

    def __init__(self, **tenants: str | None) -> None:
        self.tenants = tenants
        self.error = ""

    def client(self, service: str) -> "Pool":
        assert service == "cognito-idp"
        return self

    def get_paginator(self, operation: str) -> "Pool":
        assert operation == "list_users"
        return self

    def paginate(self, *, UserPoolId: str) -> Iterator[Any]:  # noqa: N803 - the SDK's name
        assert UserPoolId == "pool"
        for page in batched(list(self.tenants.items()), 2, strict=False):
            yield {"Users": [{"Username": name, "Attributes": attributes_of(tenant)} for name, tenant in page]}

    def list_users(self, *, UserPoolId: str, PaginationToken: str = "0") -> Any:  # noqa: N803 - the SDK's names
        number = int(PaginationToken)
        pages = list(self.paginate(UserPoolId=UserPoolId)) or [{"Users": []}]
        following = {"PaginationToken": str(number + 1)} if number + 1 < len(pages) else {}
        return pages[number] | following

    def admin_delete_user(self, *, UserPoolId: str, Username: str) -> None:  # noqa: N803 - the SDK's names
        assert UserPoolId == "pool"
        del self.tenants[Username]
        if self.error:
            raise ClientError({"Error": {"Code": self.error, "Message": ""}}, "AdminDeleteUser")


def attributes_of(tenant: str | None) -> list[dict[str, str]]:
    named = [{"Name": "custom:tenant_id", "Value": tenant}] if tenant else []
    return [{"Name": "sub", "Value": "acme"}, {"Name": "email", "Value": "acme"}, *named]


def users_of(pool: Pool) -> CognitoTenantUsers:
    return CognitoTenantUsers(pool, "pool", tenant_named("acme"))  # type: ignore[arg-type]  # all that is used of a session


def count(pool: Pool) -> int:
    found, token = users_of(pool).count_page(None)
    while token is not None:
        more, token = users_of(pool).count_page(token)
        found += more
    return found


def test_the_users_of_the_tenant_go_and_all_others_stay() -> None:
    pool = Pool(a="acme", b="acme-b", c=None, d="acme", e="ja", f="ACME", g="acme")
    assert count(pool) == 3
    assert not users_of(pool).purge_batch()
    assert set(pool.tenants) == {"b", "c", "e", "f"}
    assert count(pool) == 0


def test_many_users_go_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users_module, "USERS_A_CALL", 2)
    pool = Pool(a="acme", b="acme-b", c="acme", d="acme")
    assert users_of(pool).purge_batch()
    assert set(pool.tenants) == {"b", "d"}
    assert not users_of(pool).purge_batch()


def test_a_user_who_is_gone_already_is_no_fault_and_a_busy_pool_is() -> None:
    pool = Pool(a="acme")
    pool.error = "UserNotFoundException"
    assert not users_of(pool).purge_batch()
    pool = Pool(a="acme")
    pool.error = "TooManyRequestsException"
    with pytest.raises(TransientError):
        users_of(pool).purge_batch()
