"""boto3 clients under the session of one tenant, as in a function."""

import base64
import json
from typing import Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.integration.local_cloud import REGION
from tests.integration.product import Product, Reply

FUNCTION: Final = "Query"


class Clients:
    """The boto3 clients of a session, each created once."""

    def __init__(self, product: Product, credentials: dict[str, Any]) -> None:
        self.credentials = credentials
        self._product = product
        self._clients: dict[str, Any] = {}

    def __getitem__(self, service: str) -> Any:
        if service not in self._clients:
            session = self._product.cloud.session(self.credentials)
            self._clients[service] = self._product.cloud.client(service, session)
        return self._clients[service]


def session_of(product: Product, tenant_id: str) -> Clients:
    """Returns the session of a function for a tenant; its secrets are recorded as confidential."""
    return _session(product, tenant_id, FUNCTION, product["TenantDataRoleArn"])


def key_session_of(product: Product, tenant_id: str) -> Clients:
    """Returns the session of the Keys function for a tenant's owner."""
    role = product.root("iam").get_role(RoleName=product.resources["TenantKeysRole"])["Role"]["Arn"]
    return _session(product, tenant_id, "Keys", role)


def _session(product: Product, tenant_id: str, function: str, role: str) -> Clients:
    tags = [{"Key": "TenantId", "Value": tenant_id}]
    session = role_of(product, function)["sts"].assume_role(RoleArn=role, RoleSessionName=tenant_id, Tags=tags)
    credentials = session["Credentials"]
    product.confidential |= {credentials["SecretAccessKey"], credentials["SessionToken"]}
    return Clients(product, credentials)


def role_of(product: Product, function: str) -> Clients:
    """Returns the clients of a function's own role."""
    role = product.root("iam").get_role(RoleName=product.resources[f"{function}Role"])["Role"]["Arn"]
    credentials = product.root("sts").assume_role(RoleArn=role, RoleSessionName="isolation")["Credentials"]
    product.confidential |= {credentials["SecretAccessKey"], credentials["SessionToken"]}
    return Clients(product, credentials)


def opened_grant(product: Product, reader: Clients, parts: list[str], document: dict[str, Any]) -> dict[str, Any]:
    """Returns the credentials of a grant for a document, which `document` names by tenant, id and version."""
    kms, key = reader["kms"], product.resources["ReadingKey"]
    decrypted = [
        kms.decrypt(
            KeyId=key, CiphertextBlob=base64.b64decode(part), EncryptionContext=document | {"part": str(number)}
        )
        for number, part in enumerate(parts)
    ]
    credentials: dict[str, Any] = json.loads(b"".join(each["Plaintext"] for each in decrypted))
    product.confidential |= {credentials["SecretAccessKey"], credentials["SessionToken"]}
    return credentials


def signed_request(clients: Clients, product: Product, method: str, url: str) -> Reply:
    """Sends a request to the API signed by the session, which only operators may do."""
    keys = clients.credentials
    request = AWSRequest(method, url, {"content-type": "application/json"}, b"{}" if method == "POST" else b"")
    credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
    SigV4Auth(credentials, "execute-api", REGION).add_auth(request)
    return product.send(method, url, dict(request.headers.items()), b"{}" if method == "POST" else b"")
