"""Uploads and artifacts in S3, below one tenant's prefix."""

import base64
import email.header
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from email.errors import HeaderParseError
from itertools import batched
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated
from onggi.domain.document import Metadata
from onggi.domain.errors import BadDocument, NotFound, TenantMismatch
from onggi.domain.tenant import TenantContext, tenant_id_of_key
from onggi.domain.timestamps import timestamp
from onggi.ports.documents import ObjectFacts, PresignedUpload

METADATA_HEADER: Final = "x-amz-meta-"
TYPED_METADATA: Final = "onggi-metadata"
"""S3's own headers carry ASCII text only; attributes given to our API travel as base64 of JSON under this one."""
DELETE_BATCH: Final = 1000
"""DeleteObjects takes at most so many keys (S3 API reference)."""
MISSING: Final = frozenset({"404", "NoSuchKey", "NoSuchVersion", "NotFound", "405", "MethodNotAllowed"})
"""Codes of S3 for a version that does not exist; 405 is the one for a delete marker."""
DENIED: Final = frozenset({"403", "AccessDenied", "Forbidden"})


def is_gone(error: ClientError, is_listed: Callable[[], bool]) -> bool:
    """Whether an error means that an object is not there.

    S3 says so only to callers who may list the whole bucket, and answers 403 to others (HeadObject, S3 API reference).
    A tenant may list what is below its own prefix: what is not listed there is gone, and not denied.
    """
    code = error_code(error)
    return code in MISSING or (code in DENIED and not is_listed())


def is_listed(client: Any, bucket: str, key: str, version: str | None = None) -> bool:  # noqa: ANN401 - botocore makes client classes at run time
    """Whether a version of an object, or a newest one that is no delete marker, is there."""
    pages = client.get_paginator("list_object_versions")
    with translated("S3"):
        return any(
            entry["Key"] == key and (entry["VersionId"] == version if version else entry["IsLatest"])
            for page in pages.paginate(Bucket=bucket, Prefix=key)
            for entry in page.get("Versions", [])
        )


def encode_metadata(metadata: Metadata) -> str:
    """Attributes as one header's value."""
    return base64.b64encode(json.dumps(metadata, ensure_ascii=False, sort_keys=True).encode()).decode()


def decode_metadata(headers: Mapping[str, str]) -> Metadata:
    """The attributes that an object's `x-amz-meta-*` headers give.

    Raises:
        BadDocument: when our own header is not what `encode_metadata` makes, or another's encoded words (RFC 2047)
            cannot be decoded.
    """
    decoded: Metadata = {}
    for name, value in headers.items():
        try:
            if name.lower() == TYPED_METADATA:
                decoded |= json.loads(base64.b64decode(value, validate=True))
            else:
                decoded[name.lower()] = str(email.header.make_header(email.header.decode_header(value)))
        except (ValueError, TypeError, LookupError, RecursionError, HeaderParseError) as error:
            raise BadDocument("invalid_metadata") from error
    return decoded


class S3DocumentStore:
    """The tenant's uploads; every call raises TenantMismatch for a key outside the tenant's prefix."""

    def __init__(self, session: AwsSession, tenant: TenantContext) -> None:
        self._session = session
        self._tenant_id = tenant.tenant_id
        self._bucket = tenant.placement.documents_bucket

    def _at(self, key: str) -> dict[str, str]:
        """Where an upload of the tenant lies."""
        if tenant_id_of_key(key) != self._tenant_id:
            raise TenantMismatch("The key belongs to another tenant than the one that this work is done for.")
        return {"Bucket": self._bucket, "Key": key}

    def facts(self, key: str, version: str | None = None) -> ObjectFacts | None:
        wanted = self._at(key) | ({"VersionId": version} if version else {})
        try:
            with translated("S3"):
                head = self._session.client("s3").head_object(**wanted)
        except ClientError as error:
            if is_gone(error, lambda: self._is_listed(key, version)):
                return None
            raise
        return ObjectFacts(
            version=head["VersionId"],
            size=head["ContentLength"],
            content_type=head.get("ContentType", "application/octet-stream"),
            modified=timestamp(head["LastModified"]),
            metadata=decode_metadata(head.get("Metadata", {})),
        )

    def download(self, key: str, version: str, target: Path) -> None:
        place = self._at(key)
        try:
            with translated("S3"), target.open("wb") as file:
                response = self._session.client("s3").get_object(**place, VersionId=version)
                shutil.copyfileobj(response["Body"], file, 1 << 20)
        except ClientError as error:
            if is_gone(error, lambda: self._is_listed(key, version)):
                raise NotFound("This version of the document is gone.") from error
            raise

    def read_start(self, key: str, most: int) -> bytes | None:
        place = self._at(key)
        try:
            with translated("S3"):
                response = self._session.client("s3").get_object(**place)
                with closing(response["Body"]) as body:
                    start: bytes = body.read(most)
                    return start
        except ClientError as error:
            if is_gone(error, lambda: self._is_listed(key, None)):
                return None
            raise

    def _is_listed(self, key: str, version: str | None) -> bool:
        return is_listed(self._session.client("s3"), self._bucket, key, version)

    def delete(self, key: str) -> None:
        with translated("S3"):
            self._session.client("s3").delete_object(**self._at(key))

    def presign_upload(
        self, key: str, content_type: str, size: int, metadata: Metadata, seconds: int
    ) -> PresignedUpload:
        fields = {"Content-Type": content_type}
        if metadata:
            fields[METADATA_HEADER + TYPED_METADATA] = encode_metadata(metadata)
        conditions: list[Any] = [{name: value} for name, value in fields.items()]
        conditions.append(["content-length-range", size, size])
        signed = self._session.client("s3").generate_presigned_post(
            **self._at(key), Fields=fields, Conditions=conditions, ExpiresIn=seconds
        )
        return PresignedUpload(signed["url"], signed["fields"])


class S3ArtifactStore:
    """What ingestion makes of the tenant's documents."""

    def __init__(self, session: AwsSession, tenant: TenantContext, manifests_bucket: str) -> None:
        self._session = session
        self._tenant = tenant
        self._bucket = tenant.placement.artifacts_bucket
        self._manifests_bucket = manifests_bucket

    def write(self, name: str, content: bytes) -> None:
        self._put(self._bucket, self._tenant.prefix + name, content)

    def _put(self, bucket: str, key: str, content: bytes) -> None:
        with translated("S3"):
            self._session.client("s3").put_object(Bucket=bucket, Key=key, Body=content)

    def read(self, name: str) -> bytes:
        try:
            with translated("S3"):
                response = self._session.client("s3").get_object(Bucket=self._bucket, Key=self._tenant.prefix + name)
                content: bytes = response["Body"].read()
                return content
        except ClientError as error:
            if is_gone(error, lambda: name in self.names(name)):
                raise NotFound("What an earlier step made of this document is gone.") from error
            raise

    def names(self, prefix: str) -> list[str]:
        pages = self._session.client("s3").get_paginator("list_objects_v2")
        with translated("S3"):
            keys = [
                entry["Key"]
                for page in pages.paginate(Bucket=self._bucket, Prefix=self._tenant.prefix + prefix)
                for entry in page.get("Contents", [])
            ]
        return [key.removeprefix(self._tenant.prefix) for key in keys]

    def delete(self, names: Iterable[str]) -> None:
        for batch in batched(names, DELETE_BATCH, strict=False):
            self._delete_keys(self._bucket, [self._tenant.prefix + name for name in batch])

    def _delete_keys(self, bucket: str, keys: Sequence[str]) -> None:
        with translated("S3"):
            response = self._session.client("s3").delete_objects(
                Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], "Quiet": True}
            )
            if response.get("Errors"):
                first = response["Errors"][0]
                raise ClientError({"Error": {"Code": first["Code"], "Message": first["Message"]}}, "DeleteObjects")

    def _manifest_key(self, document_id: str, version: str) -> str:
        return f"manifests/{self._tenant.tenant_id}/{document_id}/{version}.jsonl"

    def write_manifest(self, document_id: str, version: str, lines: Sequence[Mapping[str, Any]]) -> str:
        """Writes a JSON Lines manifest for the workflow's Map, outside the tenant's prefix; returns its S3 key.

        The workflow's role reads manifests and nothing else, so they hold numbers and no content, and are in one bucket
        wherever the tenant's things are.
        """
        key = self._manifest_key(document_id, version)
        self._put(self._manifests_bucket, key, "".join(json.dumps(line) + "\n" for line in lines).encode())
        return key

    def delete_manifest(self, document_id: str, version: str) -> None:
        self._delete_keys(self._manifests_bucket, [self._manifest_key(document_id, version)])
