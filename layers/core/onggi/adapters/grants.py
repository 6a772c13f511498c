"""Grants to read one document: a narrowed session of its tenant, encrypted for the one function that reads files.

Why it is done so: docs/decisions/0004-reading-under-a-grant.md.
"""

import base64
import json
import time
from collections.abc import Callable, Iterable, Sequence
from itertools import batched
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, assume_for, error_code, translated
from onggi.domain.document import DocumentVersion
from onggi.domain.errors import GrantExpired, TenantMismatch
from onggi.domain.tenant import TenantContext

PART_BYTES: Final = 4096
"""KMS encrypts at most so many bytes a call (KMS API reference, Encrypt)."""
PATTERN_CHARACTERS: Final = 200
"""How much of a session policy the name of the document takes at most, which leaves room for all the rest of it."""
MOST_OBJECTS: Final = 6
"""Copies of a version that a policy names: one for each time its tenant was moved, the newest first."""
ESCAPES: Final = str.maketrans({"*": "${*}", "?": "${?}", "$": "${$}"})
"""Characters that mean something in a policy (IAM user guide, "Policy variables", "Escaping special characters")."""


class KmsReadingGrants:
    """Issues grants under the function's own role, which may encrypt with the key and not decrypt."""

    def __init__(self, own: AwsSession, role_arn: str, key: str, tenant_table: str) -> None:
        self._own = own
        self._role_arn = role_arn
        self._key = key
        self._table = tenant_table

    def issue(self, tenant: TenantContext, document: DocumentVersion, objects: Sequence[str]) -> list[str]:
        """A session of the tenant for one version of one document, encrypted, in parts.

        Args:
            tenant: whose document it is.
            document: the version that may be read.
            objects: S3's ids under which that version may lie.

        Raises:
            TransientError: when STS or KMS is not available.
        """
        partition = self._role_arn.split(":")[1]
        policy = session_policy(tenant, document, objects, partition, self._table)
        credentials = assume_for(self._own, self._role_arn, tenant, policy)
        plaintext = json.dumps(credentials | {"Expiration": int(credentials["Expiration"].timestamp())}).encode()
        parts = [bytes(part) for part in batched(plaintext, PART_BYTES, strict=False)]
        return [self._encrypted(part, _context(tenant, document, number)) for number, part in enumerate(parts)]

    def _encrypted(self, part: bytes, context: dict[str, str]) -> str:
        with translated("KMS"):
            response = self._own.client("kms").encrypt(KeyId=self._key, Plaintext=part, EncryptionContext=context)
        return base64.b64encode(response["CiphertextBlob"]).decode()


def granted_session(
    own: AwsSession,
    key: str,
    tenant: TenantContext,
    document: DocumentVersion,
    parts: Iterable[str],
    seconds: float,
    clock: Callable[[], float] = time.time,
) -> AwsSession:
    """The session of a grant, which `KmsReadingGrants` has issued for this document.

    Args:
        own: the session of the function that may decrypt with the key.
        key: the key that the grant is encrypted under.
        tenant: whose document it is.
        document: the version that is to be read.
        parts: the grant.
        seconds: how long the session is needed.
        clock: returns seconds since the epoch.

    Raises:
        GrantExpired: when the session does not last that long.
        TenantMismatch: when the grant is one for another document, or none.
        TransientError: when KMS is not available.
    """
    decrypted = (_decrypted(own, key, part, _context(tenant, document, number)) for number, part in enumerate(parts))
    credentials = json.loads(b"".join(decrypted))
    if credentials["Expiration"] - clock() < seconds:
        raise GrantExpired("The grant to read the document ends too soon; it needs a new one.")
    return AwsSession(credentials)


def _decrypted(own: AwsSession, key: str, part: str, context: dict[str, str]) -> bytes:
    try:
        with translated("KMS"):
            response = own.client("kms").decrypt(
                KeyId=key, CiphertextBlob=base64.b64decode(part), EncryptionContext=context
            )
    except ClientError as error:
        if error_code(error) == "InvalidCiphertextException":
            raise TenantMismatch("The grant is not one to read this document.") from error
        raise
    plaintext: bytes = response["Plaintext"]
    return plaintext


def _context(tenant: TenantContext, document: DocumentVersion, part: int) -> dict[str, str]:
    """What a part of a grant is bound to: KMS decrypts it with exactly this context only, and logs it."""
    return {
        "tenant": tenant.tenant_id,
        "document": document.document_id,
        "version": document.version,
        "part": str(part),
    }


def session_policy(
    tenant: TenantContext, document: DocumentVersion, objects: Sequence[str], partition: str, tenant_table: str
) -> str:
    """What may be done to read one document, as a session policy: JSON of at most 2,048 ASCII characters.

    It is ANDed with the role's policy, which is bound to the tenant. The upload is named by the ids of its versions,
    which are short; its key may be 1,024 bytes long, of which six characters stand for each Korean one.
    """
    artifacts = f"{tenant.prefix}{document.document_id}/{document.version}".translate(ESCAPES)
    placement = tenant.placement
    statements: list[dict[str, Any]] = [
        {
            "Action": "s3:GetObjectVersion",
            "Resource": f"arn:{partition}:s3:::{placement.documents_bucket}/{tenant.prefix}*",
            "Condition": {"StringEquals": {"s3:VersionId": list(objects[:MOST_OBJECTS])}},
        },
        {
            "Action": "s3:ListBucketVersions",
            "Resource": f"arn:{partition}:s3:::{placement.documents_bucket}",
            "Condition": {"StringLike": {"s3:prefix": pattern_of(document.key)}},
        },
        {
            "Action": ["s3:PutObject", "s3:DeleteObject"],
            "Resource": [
                f"arn:{partition}:s3:::{placement.artifacts_bucket}/{artifacts}/text.{kind}" for kind in ("txt", "json")
            ],
        },
        {"Action": "dynamodb:GetItem", "Resource": f"arn:{partition}:dynamodb:*:*:table/{tenant_table}"},
        {
            "Action": ["kms:Decrypt", "kms:GenerateDataKey"],
            "Resource": "*",
            "Condition": {"StringLike": {"kms:ViaService": "s3.*"}},
        },
    ]
    if tenant.settings.ocr:
        statements.append({"Action": "bedrock:InvokeModel", "Resource": "*"})
    document_policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **each} for each in statements]}
    return json.dumps(document_policy, separators=(",", ":"))


def pattern_of(key: str) -> str:
    """A pattern of IAM for exactly this key; for a long one, for all keys that begin with a long part of it."""
    written = ""
    left = PATTERN_CHARACTERS
    for character in key:
        escaped = character.translate(ESCAPES)
        left -= len(json.dumps(escaped)) - 2
        if left < 1:
            return written + "*"
        written += escaped
    return written
