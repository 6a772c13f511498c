"""Everything of one tenant that offboarding counts and removes, by a session that reaches this tenant's only.

Users are the exception: no session can be bound to those of one tenant.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import batched
from typing import Any, Final, Self

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated
from onggi.adapters.dynamodb import to_item, to_row
from onggi.adapters.keys import keys_of
from onggi.adapters.s3 import DELETE_BATCH
from onggi.adapters.stacks import GOING_ON, refuse_own_failure, stack_status
from onggi.adapters.users import CognitoTenantUsers
from onggi.adapters.waiting import waiting_of
from onggi.domain.errors import TransientError
from onggi.domain.tenant import Placement, TenantContext, TenantRecord
from onggi.ports import Counts

WRITE_BATCH: Final = 25
"""BatchWriteItem takes at most so many items (DynamoDB API reference)."""
BATCHES_A_CALL: Final = 50
"""Objects are removed by up to so many batches at a time: well within the time of a function."""


@dataclass(frozen=True, slots=True)
class RemainsPlaces:
    """Where a tenant's remains lie.

    Attributes:
        placements: whose vector indexes and stacks go.
        objects: buckets and prefixes by kind.
        partitions: tables and partition keys by kind.
    """

    placements: tuple[Placement, ...]
    objects: Mapping[str, tuple[tuple[str, str], ...]]
    partitions: Mapping[str, tuple[str, str]]

    @classmethod
    def of_tenant(cls, record: TenantRecord, manifests_bucket: str, tenant_table: str, control_table: str) -> Self:
        """Everything of a tenant, at both places where it is being moved."""
        tenant = record.context
        there = cls.of_placements(tenant, tenant.placement, *([record.move.other] if record.move else []))
        manifests = (manifests_bucket, f"manifests/{tenant.tenant_id}/")
        partitions = {
            "ledger_items": (tenant_table, tenant.tenant_id),
            "keys": (control_table, keys_of(tenant.tenant_id)),
            "waiting_events": (control_table, waiting_of(tenant.tenant_id)),
        }
        return cls(there.placements, {**there.objects, "manifests": (manifests,)}, partitions)

    @classmethod
    def of_placements(cls, tenant: TenantContext, *placements: Placement) -> Self:
        """What lies at some placements, and nothing of what a tenant keeps wherever it is."""
        objects = {
            "uploads": tuple((placement.documents_bucket, tenant.prefix) for placement in placements),
            "artifacts": tuple((placement.artifacts_bucket, tenant.prefix) for placement in placements),
        }
        return cls(tuple(each for each in placements if each.vector_bucket), objects, {})


class AwsTenantRemains:
    """Implements the tenant's remains.

    Args:
        session: may count and remove this tenant's things only.
        looking: may look at stacks, also when they are gone and no tag tells whose they were.
        places: where the remains lie.
        users: the tenant's; None where it stays.
        run: which run of a workflow removes them.
    """

    def __init__(
        self,
        session: AwsSession,
        looking: AwsSession,
        places: RemainsPlaces,
        users: CognitoTenantUsers | None,
        run: str,
    ) -> None:
        self._session = session
        self._looking = looking
        self._places = places
        self._users = users
        self._run = run

    def _client(self, service: str) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client(service)

    def counts(self) -> Counts:
        """How much there is of each kind, versions and delete markers of objects included."""
        objects = {
            kind: sum(1 for place in places for _ in self._versions(*place))
            for kind, places in self._places.objects.items()
        }
        items = {kind: sum(1 for _ in self._items(*partition)) for kind, partition in self._places.partitions.items()}
        vectors = [self._count_vectors(placement) for placement in self._places.placements]
        found = [count for count in vectors if count is not None]
        stacks = sum(1 for stack in self._stacks if stack_status(self._looking, stack) is not None)
        users = {"users": self._users.count()} if self._users else {}
        return {**objects, "indexes": len(found), "vectors": sum(found), **items, "stacks": stacks, **users}

    @property
    def _stacks(self) -> list[str]:
        return [placement.stack for placement in self._places.placements if placement.stack]

    def unfinished(self) -> list[str]:
        """Executions of the ingestion workflow to which documents belong that are neither done nor failed."""
        table, partition = self._places.partitions["ledger_items"]
        rows = (to_row(item) for item in self._items(table, partition, "execution", "status"))
        return sorted({row["execution"] for row in rows if row.get("status") in {"processing", "deleting"}})

    def remove_some(self) -> bool:
        """Removes the indexes and some of everything else, stacks last; answers whether more may be left.

        Raises:
            Conflict: when this run has failed to remove a stack.
        """
        for placement in self._places.placements:
            self._remove_index(placement)
        more = [self._remove_versions(*place) for places in self._places.objects.values() for place in places]
        more += [self._remove_items(*partition) for partition in self._places.partitions.values()]
        more += [self._users.remove_some()] if self._users else []
        return any(more) or any(self._remove_stack(stack) for stack in self._stacks)

    def _remove_stack(self, stack: str) -> bool:
        """Has a stack removed, which takes its time; answers whether it is there still."""
        status = stack_status(self._looking, stack)
        if status is None:
            return False
        if not status.endswith(GOING_ON):
            if status == "DELETE_FAILED":
                refuse_own_failure(self._looking, stack, status, self._run)
            with translated("CloudFormation"):
                self._client("cloudformation").delete_stack(StackName=stack, ClientRequestToken=self._run)
        return True

    def _versions(self, bucket: str, prefix: str) -> Iterator[dict[str, str]]:
        """What is in a bucket; nothing where that is not there, since it went with its stack or was never made."""
        pages = self._client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        try:
            with translated("S3"):
                for page in pages:
                    for entry in (*page.get("Versions", []), *page.get("DeleteMarkers", [])):
                        yield {"Key": entry["Key"], "VersionId": entry["VersionId"]}
        except ClientError as error:
            if error_code(error) != "NoSuchBucket":
                raise

    def _remove_versions(self, bucket: str, prefix: str) -> bool:
        for number, batch in enumerate(batched(self._versions(bucket, prefix), DELETE_BATCH, strict=False)):
            if number == BATCHES_A_CALL:
                return True
            with translated("S3"):
                answer = self._client("s3").delete_objects(Bucket=bucket, Delete={"Objects": batch, "Quiet": True})
            if answer.get("Errors"):
                raise TransientError(f"S3 has not removed an object ({answer['Errors'][0]['Code']}); try again.")
        return False

    def _count_vectors(self, placement: Placement) -> int | None:
        """How many vectors there are; None where there is no index."""
        pages = self._client("s3vectors").get_paginator("list_vectors").paginate(**_index(placement))
        try:
            with translated("S3 Vectors"):
                return sum(len(page["vectors"]) for page in pages)
        except ClientError as error:
            if error_code(error) != "NotFoundException":
                raise
            return None

    def _remove_index(self, placement: Placement) -> None:
        try:
            with translated("S3 Vectors"):
                self._client("s3vectors").delete_index(**_index(placement))
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


def _index(placement: Placement) -> dict[str, str]:
    return {"vectorBucketName": placement.vector_bucket, "indexName": placement.index}
