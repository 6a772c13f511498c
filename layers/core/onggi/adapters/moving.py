"""A tenant's objects on their way from one pair of buckets to another, by the tenant's own session."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, takewhile
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, translated
from onggi.adapters.s3 import is_gone, is_listed
from onggi.domain.tenant import Placement, TenantContext
from onggi.domain.timestamps import timestamp
from onggi.ports.tenant_data import StoredObject

OBJECTS_A_PAGE: Final = 100
COPIES_AT_A_TIME: Final = 8


class S3MovingObjects:
    """Implements the moving objects; both places hold them below the tenant's prefix."""

    def __init__(self, session: AwsSession, tenant: TenantContext, source: Placement, target: Placement) -> None:
        self._session = session
        self._prefix = tenant.prefix
        self._source = source
        self._target = target

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("s3")

    def uploads(self, after: str | None) -> tuple[list[StoredObject], str | None]:
        return self._page(self._source.documents_bucket, after)

    def copied(self, after: str | None, last: str) -> list[StoredObject]:
        return list(takewhile(lambda found: found.key <= last, self._behind(after)))

    def _behind(self, after: str | None) -> Iterator[StoredObject]:
        while True:
            page, after = self._page(self._target.documents_bucket, after)
            yield from page
            if after is None:
                return

    def _page(self, bucket: str, after: str | None) -> tuple[list[StoredObject], str | None]:
        place = {"KeyMarker": after} if after else {}
        with translated("S3"):
            answer = self._client.list_object_versions(
                Bucket=bucket, Prefix=self._prefix, MaxKeys=OBJECTS_A_PAGE, **place
            )
        hidden: dict[str, str] = {}
        for entry in answer.get("Versions", []):
            if not entry["IsLatest"]:
                hidden.setdefault(entry["Key"], entry["VersionId"])
        found = [
            StoredObject(
                entry["Key"], entry["VersionId"], timestamp(entry["LastModified"]), is_deleted, hidden.get(entry["Key"])
            )
            for kind, is_deleted in (("Versions", False), ("DeleteMarkers", True))
            for entry in answer.get(kind, [])
            if entry["IsLatest"]
        ]
        # The newest version of a key comes first, so that the next page may begin behind the key.
        return sorted(found, key=lambda each: each.key), answer["NextKeyMarker"] if answer["IsTruncated"] else None

    def copy_uploads(self, uploads: Sequence[tuple[str, str | None]]) -> list[str | None]:
        keys = [list(group) for _, group in groupby(uploads, key=lambda upload: upload[0])]
        with ThreadPoolExecutor(COPIES_AT_A_TIME) as pool:
            return [copy for group in pool.map(self._copy_versions, keys) for copy in group]

    def _copy_versions(self, versions: Sequence[tuple[str, str | None]]) -> list[str | None]:
        source, target = self._source.documents_bucket, self._target.documents_bucket
        return [self._copy(source, target, key, version) for key, version in versions]

    def delete(self, key: str) -> None:
        with translated("S3"):
            self._client.delete_object(Bucket=self._target.documents_bucket, Key=key)

    def artifacts(self, after: str | None) -> tuple[list[str], str | None]:
        place = {"StartAfter": self._prefix + after} if after else {}
        with translated("S3"):
            answer = self._client.list_objects_v2(
                Bucket=self._source.artifacts_bucket, Prefix=self._prefix, MaxKeys=OBJECTS_A_PAGE, **place
            )
        names = [entry["Key"].removeprefix(self._prefix) for entry in answer.get("Contents", [])]
        return names, names[-1] if answer["IsTruncated"] else None

    def copy_artifacts(self, names: Sequence[str]) -> None:
        source, target = self._source.artifacts_bucket, self._target.artifacts_bucket
        with ThreadPoolExecutor(COPIES_AT_A_TIME) as pool:
            list(pool.map(lambda name: self._copy(source, target, self._prefix + name), names))

    def _copy(self, source: str, target: str, key: str, version: str | None = None) -> str | None:
        """Copies one object without its tags, which would need further rights; returns the id of the copy."""
        where = {"Bucket": source, "Key": key} | ({"VersionId": version} if version else {})
        try:
            with translated("S3"):
                answer = self._client.copy_object(Bucket=target, Key=key, CopySource=where, TaggingDirective="REPLACE")
        except ClientError as error:
            if is_gone(error, lambda: is_listed(self._client, source, key, version)):
                return None
            raise
        copy: str | None = answer.get("VersionId")
        return copy
