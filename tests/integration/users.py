"""Users of a stack's user pool and their tokens."""

import base64
import itertools
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.integration.product import Json, Product

PASSWORD = "Onggi-keeps-1-secret!"

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Users:
    """Users of a user pool, and the tokens that it issues."""

    product: Product
    pool_id: str
    client_id: str

    @cached_property
    def _pool(self) -> Any:
        return self.product.root("cognito-idp")

    def sign_up(self, tenant_id: str | None, *groups: str) -> Json:
        """Creates a user and signs in; returns the tokens and the name."""
        name = f"user-{next(_numbers)}"
        attributes = [{"Name": "custom:tenant_id", "Value": tenant_id}] if tenant_id else []
        self._pool.admin_create_user(
            UserPoolId=self.pool_id, Username=name, UserAttributes=attributes, MessageAction="SUPPRESS"
        )
        self._pool.admin_set_user_password(UserPoolId=self.pool_id, Username=name, Password=PASSWORD, Permanent=True)
        for group in groups:
            self._pool.admin_add_user_to_group(UserPoolId=self.pool_id, Username=name, GroupName=group)
        return self.sign_in(name) | {"Username": name}

    def sign_in(self, name: str) -> Json:
        tokens: Json = self._pool.admin_initiate_auth(
            UserPoolId=self.pool_id,
            ClientId=self.client_id,
            AuthFlow="ADMIN_USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": PASSWORD},
        )["AuthenticationResult"]
        self.product.confidential |= {tokens[token].rsplit(".", 1)[1] for token in ("IdToken", "AccessToken")}
        return tokens


def users_of(product: Product, minutes: int | None = None) -> Users:
    """Returns the stack's user pool; its client gets the administrator's sign-in flow, which needs no SRP.

    Args:
        product: The deployed stack.
        minutes: The validity of tokens; by default that of the stack.
    """
    pool, cognito = product["UserPoolId"], product.root("cognito-idp")
    known = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=product["UserPoolClientId"])["UserPoolClient"]
    unchanged = ("ReadAttributes", "WriteAttributes", "PreventUserExistenceErrors", "TokenValidityUnits")
    validity = {name: minutes or int(known[name]) for name in ("IdTokenValidity", "AccessTokenValidity")}
    cognito.update_user_pool_client(
        UserPoolId=pool,
        ClientId=product["UserPoolClientId"],
        ExplicitAuthFlows=[*known["ExplicitAuthFlows"], "ALLOW_ADMIN_USER_PASSWORD_AUTH"],
        **{name: known[name] for name in unchanged if name in known},
        **validity,
    )
    return Users(product, pool, product["UserPoolClientId"])


def encoded(part: Any) -> str:
    """Returns an encoded part of a token; a value other than bytes is encoded as JSON."""
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
