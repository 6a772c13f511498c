"""Everything of one tenant that offboarding counts and removes, by a session that reaches this tenant's only.

Users are the exception: no session can be bound to those of one tenant.
"""

from collections.abc import Iterator
from itertools import batched
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated
from onggi.adapters.dynamodb import to_item, to_row
from onggi.adapters.keys import keys_of
from onggi.adapters.s3 import DELETE_BATCH
from onggi.adapters.users import CognitoTenantUsers
from onggi.adapters.waiting import waiting_of
from onggi.domain.errors import TransientError
from onggi.domain.tenant import TenantContext
from onggi.ports import Counts

WRITE_BATCH: Final = 25
"""BatchWriteItem takes at most so many items (DynamoDB API reference)."""
BATCHES_A_CALL: Final = 50
"""Objects are removed by up to so many batches at a time: well within the time of a function."""


class AwsTenantRemains:
    """Implements the tenant's remains."""

    def __init__(
        self,
        session: AwsSession,
        tenant_table: str,
        control_table: str,
        tenant: TenantContext,
        users: CognitoTenantUsers,
    ) -> None:
        self._session = session
        self._tenant = tenant
        self._users = users
        placement = tenant.placement
        manifests = f"manifests/{tenant.tenant_id}/"
        self._places = {
            "uploads": (placement.documents_bucket, tenant.prefix),
            "artifacts": (placement.artifacts_bucket, tenant.prefix),
            "manifests": (placement.artifacts_bucket, manifests),
        }
        self._partitions = {
            "ledger_items": (tenant_table, tenant.tenant_id),
            "keys": (control_table, keys_of(tenant.tenant_id)),
            "waiting_events": (control_table, waiting_of(tenant.tenant_id)),
        }

    def _client(self, service: str) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client(service)

    def counts(self) -> Counts:
        """How much there is of each kind, versions and delete markers of objects included."""
        objects = {kind: sum(1 for _ in self._versions(*place)) for kind, place in self._places.items()}
        items = {kind: sum(1 for _ in self._items(*partition)) for kind, partition in self._partitions.items()}
        return objects | self._count_vectors() | items | {"users": self._users.count()}

    def unfinished(self) -> list[str]:
        """Executions of the ingestion workflow to which documents belong that are neither done nor failed."""
        table, partition = self._partitions["ledger_items"]
        rows = (to_row(item) for item in self._items(table, partition, "execution", "status"))
        return sorted({row["execution"] for row in rows if row.get("status") in {"processing", "deleting"}})

    def remove_some(self) -> bool:
        """Removes the index and some of everything else; answers whether more may be left."""
        self._remove_index()
        more = [self._remove_versions(*place) for place in self._places.values()]
        more += [self._remove_items(*partition) for partition in self._partitions.values()]
        return self._users.remove_some() or any(more)

    def _versions(self, bucket: str, prefix: str) -> Iterator[dict[str, str]]:
        pages = self._client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        with translated("S3"):
            for page in pages:
                for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                    yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}

    def _remove_versions(self, bucket: str, prefix: str) -> bool:
        for number, batch in enumerate(batched(self._versions(bucket, prefix), DELETE_BATCH, strict=False)):
            if number == BATCHES_A_CALL:
                return True
            with translated("S3"):
                answer = self._client("s3").delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
            if answer.get("Errors"):
                raise TransientError(f"S3 has not removed an object ({answer['Errors'][0]['Code']}); try again.")
        return False

    @property
    def _index(self) -> dict[str, str]:
        placement = self._tenant.placement
        return {"vectorBucketName": placement.vector_bucket, "indexName": placement.index}

    def _count_vectors(self) -> Counts:
        if not self._tenant.placement.vector_bucket:  # never placed
            return {"indexes": 0, "vectors": 0}
        pages = self._client("s3vectors").get_paginator("list_vectors").paginate(**self._index)
        try:
            with translated("S3 Vectors"):
                return {"indexes": 1, "vectors": sum(len(page["vectors"]) for page in pages)}
        except ClientError as error:
            if error_code(error) != "NotFoundException":
                raise
            return {"indexes": 0, "vectors": 0}

    def _remove_index(self) -> None:
        if not self._tenant.placement.vector_bucket:
            return
        try:
            with translated("S3 Vectors"):
                self._client("s3vectors").delete_index(**self._index)
        except ClientError as error:
            if error_code(error) != "NotFoundException":
                raise

    def _items(self, table: str, partition: str, *fields: str) -> Iterator[dict[str, Any]]:
        names = {f"#{number}": field for number, field in enumerate(("pk", "sk", *fields))}
        pages = (
            self._client("dynamodb")
            .get_paginator("query")
            .paginate(
                TableName=table,
                KeyConditionExpression="#0 = :pk",
                ProjectionExpression=", ".join(names),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=to_item({":pk": partition}),
                ConsistentRead=True,
            )
        )
        with translated("DynamoDB"):
            for page in pages:
                yield from page["Items"]

    def _remove_items(self, table: str, partition: str) -> bool:
        for number, batch in enumerate(batched(self._items(table, partition), WRITE_BATCH, strict=False)):
            if number == BATCHES_A_CALL:
                return True
            requests = [{"DeleteRequest": {"Key": key}} for key in batch]
            with translated("DynamoDB"):
                answer = self._client("dynamodb").batch_write_item(RequestItems={table: requests})
            if answer.get("UnprocessedItems"):
                raise TransientError("DynamoDB has not removed every item; try again.")
        return False
