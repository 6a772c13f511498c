"""The control table's tenants and rejected uploads. Functions reach them by their own role; no tenant session can."""

import hashlib
import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, translated
from onggi.adapters.dynamodb import Item, condition_failed, decode_cursor, page_of, to_item, to_row
from onggi.domain.errors import BadDocumentCode, Conflict
from onggi.domain.records import from_record
from onggi.domain.tenant import Move, Placement, TenantContext, TenantRecord
from onggi.domain.timestamps import timestamp
from onggi.ports.clock import Clock

TENANTS: Final = "TENANTS"
"""The partition that lists all tenants by id: a few hundred bytes each, so that thousands are a page or two."""
REJECTED: Final = "REJECTED"
KEEP_REJECTIONS: Final = timedelta(days=90)


class DynamoTenantDirectory:
    """Implements the tenant directory on the control table."""

    def __init__(self, session: AwsSession, table: str, clock: Clock) -> None:
        self._session = session
        self._table = table
        self._clock = clock

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("dynamodb")

    def find(self, tenant_id: str) -> TenantRecord | None:
        item = self._get(TENANTS, tenant_id)
        return _to_record(item) if item else None

    def create(self, record: TenantRecord) -> None:
        row = {
            "pk": TENANTS,
            "sk": record.context.tenant_id,
            "context": json.dumps(record.context.to_dict(), ensure_ascii=False),
            "status": record.status,
            "reason": record.reason,
            "created_at": record.created_at,
            "run": record.run,
            "revision": record.revision,
            "move": move_as_text(record),
        }
        try:
            with translated("DynamoDB"):
                self._client.put_item(
                    TableName=self._table, Item=to_item(row), ConditionExpression="attribute_not_exists(pk)"
                )
        except ClientError as error:
            if condition_failed(error):
                raise Conflict("A tenant of this id exists already; choose another id.") from error
            raise

    def page(self, limit: int, cursor: str | None) -> tuple[list[TenantRecord], str | None]:
        place = {"ExclusiveStartKey": decode_cursor(cursor, "sk") | {"pk": {"S": TENANTS}}} if cursor else {}
        with translated("DynamoDB"):
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": TENANTS}),
                Limit=limit + 1,
                **place,
            )
        items, more = page_of(response, limit)
        return [_to_record(item) for item in items], more

    def record_rejection(self, bucket: str, key: str, version: str, code: BadDocumentCode, message: str) -> None:
        """Keeps note of an upload that belongs to no tenant; under a hash, since its key may be longer than ours."""
        now: datetime = self._clock()
        row = {
            "pk": REJECTED,
            "sk": hashlib.sha256(f"{bucket}/{key}/{version}".encode()).hexdigest(),
            "bucket": bucket,
            "key": key,
            "version": version,
            "code": code,
            "message": message,
            "rejected_at": timestamp(now),
            "expires_at": int((now + KEEP_REJECTIONS).timestamp()),
        }
        with translated("DynamoDB"):
            self._client.put_item(TableName=self._table, Item=to_item(row))

    def _get(self, partition: str, sort_key: str) -> Item | None:
        with translated("DynamoDB"):
            response = self._client.get_item(
                TableName=self._table, Key=to_item({"pk": partition, "sk": sort_key}), ConsistentRead=True
            )
        item: Item | None = response.get("Item")
        return item


def _to_record(item: Item) -> TenantRecord:
    row = to_row(item)
    context = TenantContext.from_dict(json.loads(row["context"]))
    return TenantRecord(
        context,
        row["status"],
        row["created_at"],
        row.get("reason"),
        row.get("run", ""),
        row.get("revision", 0),
        _to_move(json.loads(row["move"])) if row.get("move") else None,
        row.get("reason_code"),
    )


def move_as_text(record: TenantRecord) -> str | None:
    """A tenant's move as the table keeps it."""
    return json.dumps(asdict(record.move), ensure_ascii=False) if record.move else None


def _to_move(move: dict[str, Any]) -> Move:
    return from_record(Move, {**move, "other": from_record(Placement, move["other"])})
