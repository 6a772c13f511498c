"""Everything of one tenant that offboarding counts and removes, by a session that reaches this tenant's only.

Users are the exception: no session can be bound to those of one tenant.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Self

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated
from onggi.adapters.deferred_events import waiting_of
from onggi.adapters.dynamodb import to_item, to_row
from onggi.adapters.keys import keys_of
from onggi.adapters.stacks import GOING_ON, refuse_own_failure, stack_status
from onggi.adapters.users import CognitoTenantUsers
from onggi.domain.errors import TransientError
from onggi.domain.tenant import Placement, TenantContext, TenantRecord
from onggi.domain.tenant_data import Counts
from onggi.ports.retrieval import ManagedVectorIndex

WRITE_BATCH: Final = 25
"""BatchWriteItem takes at most so many items (DynamoDB API reference)."""
RESERVE_SECONDS: Final = 60.0
"""Left when the last batch of a call begins; users take longest, some 40 s."""

type Json = dict[str, Any]
type CountPage = Callable[[Any], tuple[Counts, Any]]
"""Counts a page behind a place, None for the first; returns the place that others follow."""


@dataclass(frozen=True, slots=True)
class PurgedLocations:
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
            "deferred_events": (control_table, waiting_of(tenant.tenant_id)),
        }
        return cls(there.placements, {**there.objects, "manifests": (manifests,)}, partitions)

    @classmethod
    def of_placements(cls, tenant: TenantContext, *placements: Placement) -> Self:
        """The data at some placements, and nothing that a tenant keeps at every placement."""
        objects = {
            "uploads": tuple((placement.documents_bucket, tenant.prefix) for placement in placements),
            "artifacts": tuple((placement.artifacts_bucket, tenant.prefix) for placement in placements),
        }
        return cls(tuple(each for each in placements if each.vector_bucket), objects, {})


class AwsTenantPurger:
    """Implements the tenant's remains.

    Args:
        session: may count and remove this tenant's things only.
        looking: may look at stacks, also when they are gone and no tag says whose they were.
        places: where the remains lie.
        index_at: returns the tenant's vector index at a placement.
        users: the tenant's; None where it stays.
        run: which run of a workflow removes them.
    """

    def __init__(
        self,
        session: AwsSession,
        looking: AwsSession,
        places: PurgedLocations,
        index_at: Callable[[Placement], ManagedVectorIndex],
        users: CognitoTenantUsers | None,
        run: str,
    ) -> None:
        self._session = session
        self._looking = looking
        self._places = places
        self._index_at = index_at
        self._users = users
        self._run = run

    def _client(self, service: str) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client(service)

    def count_page(self, cursor: str | None) -> tuple[Counts, str | None]:
        pages = self._count_pages()
        number, inner = json.loads(cursor) if cursor else (0, None)
        counts, inner = pages[number](inner)
        if cursor is None:
            counts = dict.fromkeys(self._kinds, 0) | counts
        if inner is None:
            number += 1
        return counts, json.dumps([number, inner]) if number < len(pages) else None

    @property
    def _kinds(self) -> list[str]:
        users = ["users"] if self._users else []
        return [*self._places.objects, "indexes", "vectors", *self._places.partitions, "stacks", *users]

    def _count_pages(self) -> list[CountPage]:
        """What counts a page, for each place where something may lie."""
        return [
            *(
                partial(self._count_versions, kind, *place)
                for kind, places in self._places.objects.items()
                for place in places
            ),
            *(partial(self._count_vectors, placement) for placement in self._places.placements),
            *(partial(self._count_items, kind, *place) for kind, place in self._places.partitions.items()),
            *([partial(_count_users, self._users)] if self._users else []),
            self._count_stacks,
        ]

    def _count_stacks(self, _: None) -> tuple[Counts, None]:
        return {"stacks": sum(stack_status(self._looking, stack) is not None for stack in self._stacks)}, None

    @property
    def _stacks(self) -> list[str]:
        return [placement.stack for placement in self._places.placements if placement.stack]

    def unfinished_page(self, cursor: str | None) -> tuple[list[str], str | None]:
        table, partition = self._places.partitions["ledger_items"]
        items, last = self._item_page(table, partition, json.loads(cursor) if cursor else None, "execution", "status")
        rows = map(to_row, items)
        found = sorted({row["execution"] for row in rows if row.get("status") in {"processing", "deleting"}})
        return found, json.dumps(last) if last else None

    def purge_batch(self, seconds_left: Callable[[], float]) -> bool:
        """Removes the indexes and, while there is time, everything else, stacks last; returns whether more may be left.

        Raises:
            Conflict: when this run has failed to remove a stack.
        """
        for placement in self._places.placements:
            self._index_at(placement).drop()
        removals: list[Callable[[], bool]] = [
            *(partial(self._remove_versions, *place) for places in self._places.objects.values() for place in places),
            *(partial(self._remove_items, *place) for place in self._places.partitions.values()),
            *([self._users.purge_batch] if self._users else []),
        ]
        for remove_batch in removals:
            while remove_batch():
                if seconds_left() < RESERVE_SECONDS:
                    return True
        return any(self._remove_stack(stack) for stack in self._stacks)

    def _remove_stack(self, stack: str) -> bool:
        """Has a stack removed, which takes its time; returns whether it is there still."""
        status = stack_status(self._looking, stack)
        if status is None:
            return False
        if not status.endswith(GOING_ON):
            if status == "DELETE_FAILED":
                refuse_own_failure(self._looking, stack, status, self._run)
            with translated("CloudFormation"):
                self._client("cloudformation").delete_stack(StackName=stack, ClientRequestToken=self._run)
        return True

    def _version_page(self, bucket: str, prefix: str, place: Json | None) -> tuple[list[dict[str, str]], Json | None]:
        """A page of a bucket; nothing where that is not there, since it went with its stack or was never made."""
        try:
            with translated("S3"):
                page = self._client("s3").list_object_versions(Bucket=bucket, Prefix=prefix, **(place or {}))
        except ClientError as error:
            if error_code(error) != "NoSuchBucket":
                raise
            return [], None
        entries = (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        found = [{"Key": entry["Key"], "VersionId": entry["VersionId"]} for entry in entries]
        following = {"KeyMarker": page.get("NextKeyMarker"), "VersionIdMarker": page.get("NextVersionIdMarker")}
        return found, {name: value for name, value in following.items() if value} if page["IsTruncated"] else None

    def _count_versions(self, kind: str, bucket: str, prefix: str, place: Json | None) -> tuple[Counts, Json | None]:
        found, following = self._version_page(bucket, prefix, place)
        return {kind: len(found)}, following

    def _remove_versions(self, bucket: str, prefix: str) -> bool:
        """Removes the first page of a bucket, which has at most a thousand objects, as many as one call deletes."""
        found, following = self._version_page(bucket, prefix, None)
        if found:
            with translated("S3"):
                answer = self._client("s3").delete_objects(Bucket=bucket, Delete={"Objects": found, "Quiet": True})
            if answer.get("Errors"):
                raise TransientError(f"S3 has not removed an object ({answer['Errors'][0]['Code']}); try again.")
        return following is not None

    def _count_vectors(self, placement: Placement, place: str | None) -> tuple[Counts, str | None]:
        """Counts an index by its first page, and vectors; nothing where there is no index."""
        page = self._index_at(placement).count_page(place)
        if page is None:
            return {}, None
        vectors, following = page
        return ({} if place else {"indexes": 1}) | {"vectors": vectors}, following

    def _item_page(
        self, table: str, partition: str, place: Json | None, *fields: str, limit: int | None = None
    ) -> tuple[list[Json], Json | None]:
        names = {f"#{number}": field for number, field in enumerate(("pk", "sk", *fields))}
        more = {"ExclusiveStartKey": place} if place else {}
        with translated("DynamoDB"):
            page = self._client("dynamodb").query(
                TableName=table,
                KeyConditionExpression="#0 = :pk",
                ProjectionExpression=", ".join(names),
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=to_item({":pk": partition}),
                ConsistentRead=True,
                **more | ({"Limit": limit} if limit else {}),
            )
        return page["Items"], page.get("LastEvaluatedKey")

    def _count_items(self, kind: str, table: str, partition: str, place: Json | None) -> tuple[Counts, Json | None]:
        items, following = self._item_page(table, partition, place)
        return {kind: len(items)}, following

    def _remove_items(self, table: str, partition: str) -> bool:
        items, following = self._item_page(table, partition, None, limit=WRITE_BATCH)
        if items:
            requests = [{"DeleteRequest": {"Key": key}} for key in items]
            with translated("DynamoDB"):
                answer = self._client("dynamodb").batch_write_item(RequestItems={table: requests})
            if answer.get("UnprocessedItems"):
                raise TransientError("DynamoDB has not removed every item; try again.")
        return following is not None


def _count_users(users: CognitoTenantUsers, token: str | None) -> tuple[Counts, str | None]:
    count, following = users.count_page(token)
    return {"users": count}, following
