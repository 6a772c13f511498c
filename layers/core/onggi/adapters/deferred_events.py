"""Events of tenants that are not active, kept in the control table until the tenant is."""

import hashlib
import json
from typing import Any

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, translated
from onggi.adapters.dynamodb import condition_failed, to_item, to_row
from onggi.ports.tenants import DeferredEvent


def waiting_of(tenant_id: str) -> str:
    """The partition of one tenant's events."""
    return f"WAITING#{tenant_id}"


def _sort_key(key: str) -> str:
    """A hash, since an S3 key may be as long as a sort key without it."""
    return hashlib.sha256(key.encode()).hexdigest()


class DynamoDeferredEvents:
    """Implements the waiting events on the control table."""

    def __init__(self, session: AwsSession, table: str) -> None:
        self._session = session
        self._table = table

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("dynamodb")

    def note(self, tenant_id: str, waiting: DeferredEvent) -> None:
        row = {
            "pk": waiting_of(tenant_id),
            "sk": _sort_key(waiting.key),
            "key": waiting.key,
            "sequencer": waiting.sequencer,
            "noted_by": waiting.noted_by,
            "event": json.dumps(waiting.event, ensure_ascii=False),
        }
        try:
            with translated("DynamoDB"):
                self._client.put_item(
                    TableName=self._table,
                    Item=to_item(row),
                    ConditionExpression="attribute_not_exists(pk) OR sequencer <= :sequencer",
                    ExpressionAttributeValues=to_item({":sequencer": waiting.sequencer}),
                )
        except ClientError as error:
            if not condition_failed(error):
                raise

    def some(self, tenant_id: str, most: int) -> list[DeferredEvent]:
        with translated("DynamoDB"):
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": waiting_of(tenant_id)}),
                ConsistentRead=True,
                Limit=most,
            )
        rows = [to_row(item) for item in response["Items"]]
        return [DeferredEvent(row["key"], row["sequencer"], row["noted_by"], json.loads(row["event"])) for row in rows]

    def forget(self, tenant_id: str, waiting: DeferredEvent) -> None:
        try:
            with translated("DynamoDB"):
                self._client.delete_item(
                    TableName=self._table,
                    Key=to_item({"pk": waiting_of(tenant_id), "sk": _sort_key(waiting.key)}),
                    ConditionExpression="attribute_not_exists(pk) OR noted_by = :noted_by",
                    ExpressionAttributeValues=to_item({":noted_by": waiting.noted_by}),
                )
        except ClientError as error:
            if not condition_failed(error):
                raise
