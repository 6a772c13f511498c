"""Identities of IAM roles and tenant sessions, and the check that calls under them are denied."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tests.integration.product import Product, refused_code

type Call = Callable[[], Any]

DENIED = {"AccessDenied", "AccessDeniedException", "403", "Forbidden", "UnauthorizedOperation"}


@dataclass(frozen=True)
class Identity:
    """Clients of one identity."""

    product: Product
    credentials: dict[str, Any]

    def __getitem__(self, service: str) -> Any:
        return self.product.cloud.client(service, self.product.cloud.session(self.credentials))


def assumed(product: Product, role_name: str) -> Identity:
    role = product.root("iam").get_role(RoleName=role_name)["Role"]["Arn"]
    return Identity(product, product.root("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"])


def tagged(product: Product, function: Identity, tags: list[dict[str, str]]) -> Identity:
    reply = function["sts"].assume_role(RoleArn=product["TenantDataRoleArn"], RoleSessionName="test", Tags=tags)
    return Identity(product, reply["Credentials"])


def assert_denied(calls: dict[str, Call]) -> None:
    codes: dict[str, str] = {}
    for name, call in calls.items():
        try:
            call()
        except ClientError as error:
            codes[name] = refused_code(error)
        else:
            codes[name] = "allowed"
    assert {name: code for name, code in codes.items() if code not in DENIED} == {}
