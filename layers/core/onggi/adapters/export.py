"""What a tenant takes along when it goes: copies of its things under a prefix of their own, for a few days."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, translated
from onggi.adapters.dynamodb import Item, to_item, to_row
from onggi.adapters.moving import COPIES_AT_A_TIME
from onggi.adapters.s3 import is_gone, is_listed
from onggi.domain.tenant import TenantContext
from onggi.domain.tenant_data import ExportProgress
from onggi.ports.retrieval import ManagedVectorIndex
from onggi.ports.tenant_data import ExportedObject

COPIES_A_PAGE: Final = 100
ROWS_A_PAGE: Final = 1000
URL_SECONDS: Final = 900
TEXT: Final = "/text.txt"


class S3TenantExport:
    """Implements the export by one tenant's own session.

    Args:
        session: the tenant's.
        table: holds the ledger.
        tenant: whose data it is.
        index: the tenant's.
        bucket: takes the export.
        run: of the removal.
    """

    def __init__(
        self, session: AwsSession, table: str, tenant: TenantContext, index: ManagedVectorIndex, bucket: str, run: str
    ) -> None:
        self._session = session
        self._index = index
        self._table = table
        self._tenant = tenant
        self._bucket = bucket
        self._prefix = f"exports/{tenant.tenant_id}/{run}/"

    def some(self, progress: ExportProgress) -> ExportProgress:
        stages: dict[str, Callable[[ExportProgress], tuple[str | None, int]]] = {
            "uploads": self._uploads,
            "texts": self._texts,
            "vectors": self._vectors,
            "rows": self._rows,
        }
        token, objects = stages[progress.stage](progress)
        return progress.after(token, objects)

    def page(self, limit: int, cursor: str | None) -> tuple[list[ExportedObject], str | None]:
        s3 = self._session.client("s3")
        with translated("S3"):
            answer = s3.list_objects_v2(
                Bucket=self._bucket, Prefix=self._prefix, MaxKeys=limit, StartAfter=self._prefix + (cursor or "")
            )
        found = []
        for entry in answer.get("Contents", []):
            where = {"Bucket": self._bucket, "Key": entry["Key"]}
            url = s3.generate_presigned_url("get_object", Params=where, ExpiresIn=URL_SECONDS)
            found.append(ExportedObject(entry["Key"].removeprefix(self._prefix), entry["Size"], url))
        return found, found[-1].name if answer["IsTruncated"] else None

    def _uploads(self, progress: ExportProgress) -> tuple[str | None, int]:
        bucket = self._tenant.placement.documents_bucket
        keys, token = self._listed(bucket, progress.token, COPIES_A_PAGE)
        return token, self._copy(bucket, ((key, "uploads/" + key.removeprefix(self._tenant.prefix)) for key in keys))

    def _texts(self, progress: ExportProgress) -> tuple[str | None, int]:
        bucket = self._tenant.placement.artifacts_bucket
        keys, token = self._listed(bucket, progress.token, ROWS_A_PAGE)
        texts = (key.removeprefix(self._tenant.prefix) for key in keys if key.endswith(TEXT))
        copies = ((self._tenant.prefix + name, f"texts/{name.removesuffix(TEXT)}.txt") for name in texts)
        return token, self._copy(bucket, copies)

    def _listed(self, bucket: str, token: str | None, most: int) -> tuple[list[str], str | None]:
        place = {"ContinuationToken": token} if token else {}
        with translated("S3"):
            answer = self._session.client("s3").list_objects_v2(
                Bucket=bucket, Prefix=self._tenant.prefix, MaxKeys=most, **place
            )
        return [entry["Key"] for entry in answer.get("Contents", [])], answer.get("NextContinuationToken")

    def _copy(self, bucket: str, names: Iterable[tuple[str, str]]) -> int:
        """Copies objects and returns their number; what is gone since it was listed is left out."""
        with ThreadPoolExecutor(COPIES_AT_A_TIME) as pool:
            return sum(pool.map(lambda each: self._copied(bucket, *each), names))

    def _copied(self, bucket: str, key: str, name: str) -> bool:
        s3 = self._session.client("s3")
        try:
            with translated("S3"):
                s3.copy_object(Bucket=self._bucket, Key=self._prefix + name, CopySource={"Bucket": bucket, "Key": key})
        except ClientError as error:
            if is_gone(error, lambda: is_listed(s3, bucket, key)):
                return False
            raise
        return True

    def _vectors(self, progress: ExportProgress) -> tuple[str | None, int]:
        if not self._tenant.placement.vector_bucket:  # never placed
            return None, 0
        page = self._index.list_page(progress.token)
        if page is None:
            return None, 0
        vectors, token = page
        return token, self._write(f"vectors/{progress.part:05}.jsonl", vectors)

    def _rows(self, progress: ExportProgress) -> tuple[str | None, int]:
        start: dict[str, Item] = {}
        if progress.token:
            start["ExclusiveStartKey"] = to_item({"pk": self._tenant.tenant_id, "sk": progress.token})
        with translated("DynamoDB"):
            answer = self._session.client("dynamodb").query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": self._tenant.tenant_id}),
                ConsistentRead=True,
                Limit=ROWS_A_PAGE,
                **start,
            )
        last = answer.get("LastEvaluatedKey")
        written = self._write(f"ledger/{progress.part:05}.jsonl", [to_row(item) for item in answer["Items"]])
        return last["sk"]["S"] if last else None, written

    def _write(self, name: str, rows: list[dict[str, Any]]) -> int:
        if not rows:
            return 0
        lines = "".join(json.dumps(row, ensure_ascii=False, default=_plain) + "\n" for row in rows)
        with translated("S3"):
            self._session.client("s3").put_object(
                Bucket=self._bucket, Key=self._prefix + name, Body=lines.encode(), ContentType="application/jsonl"
            )
        return 1


def _plain(value: object) -> Any:  # noqa: ANN401 - any JSON
    """Sets as lists and decimals as text: neither is known to JSON."""
    return sorted(value) if isinstance(value, set | frozenset) else str(value)
