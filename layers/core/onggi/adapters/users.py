"""The users of one tenant in the user pool."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated
from onggi.domain.access import TENANT_ATTRIBUTE
from onggi.domain.tenant import TenantContext

USERS_A_CALL: Final = 1000
"""Cognito deletes some 25 users a second (quotas of AdminDeleteUser): well within the time of a function."""


class CognitoTenantUsers:
    """Counts and removes the users whose immutable attribute names the tenant.

    Cognito finds nobody by an attribute of one's own, and no policy can name one, so that everybody is looked at and
    the comparison here is the only isolation layer: it compares whole ids.
    """

    def __init__(self, session: AwsSession, user_pool_id: str, tenant: TenantContext) -> None:
        self._session = session
        self._user_pool_id = user_pool_id
        self._tenant_id = tenant.tenant_id

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("cognito-idp")

    def count_page(self, token: str | None) -> tuple[int, str | None]:
        """How many of one page of the pool's users are the tenant's, and the token that the next page follows."""
        with translated("Cognito"):
            page = self._client.list_users(
                UserPoolId=self._user_pool_id, **({"PaginationToken": token} if token else {})
            )
        return sum(self._is_own(user) for user in page["Users"]), page.get("PaginationToken")

    def purge_batch(self) -> bool:
        """Removes some of the tenant's users; returns whether more may be left."""
        names = list(islice(self._names(), USERS_A_CALL))
        for name in names:
            try:
                with translated("Cognito"):
                    self._client.admin_delete_user(UserPoolId=self._user_pool_id, Username=name)
            except ClientError as error:
                if error_code(error) != "UserNotFoundException":  # else an earlier attempt was this far
                    raise
        return len(names) == USERS_A_CALL

    def _names(self) -> Iterator[str]:
        pages = self._client.get_paginator("list_users").paginate(UserPoolId=self._user_pool_id)
        with translated("Cognito"):
            for page in pages:
                for user in page["Users"]:
                    if self._is_own(user):
                        yield user["Username"]

    def _is_own(self, user: dict[str, Any]) -> bool:
        return {"Name": TENANT_ATTRIBUTE, "Value": self._tenant_id} in user["Attributes"]
