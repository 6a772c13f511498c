"""The control table's partition of one tenant's API keys."""

from datetime import datetime
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, translated
from onggi.adapters.dynamodb import Item, condition_failed, decode_cursor, page_of, to_item, to_row
from onggi.domain.access import DEFAULT_KEY_ROLE, ApiKey
from onggi.domain.errors import NotFound
from onggi.domain.timestamps import timestamp

EXPIRES_AT: Final = "valid_until"
"""The row's name of the key's end; by `expires_at` the table forgets rows, and keys that have ended stay listed."""


def keys_of(tenant_id: str) -> str:
    """The partition of one tenant's keys."""
    return f"KEYS#{tenant_id}"


class DynamoKeyRing:
    """Implements the key ring of one tenant."""

    def __init__(self, session: AwsSession, table: str, tenant_id: str) -> None:
        self._session = session
        self._table = table
        self._partition = keys_of(tenant_id)

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("dynamodb")

    def add(self, key: ApiKey) -> None:
        row = {
            "pk": self._partition,
            "sk": key.key_id,
            "salt": key.salt,
            "secret_hash": key.secret_hash,
            "created_at": key.created_at,
            "role": key.role,
            "name": key.name,
            EXPIRES_AT: key.expires_at,
            "last_used_at": key.last_used_at,
            "revoked_at": key.revoked_at,
        }
        with translated("DynamoDB"):
            self._client.put_item(
                TableName=self._table, Item=to_item(row), ConditionExpression="attribute_not_exists(pk)"
            )

    def find(self, key_id: str) -> ApiKey | None:
        with translated("DynamoDB"):
            response = self._client.get_item(TableName=self._table, Key=self._key(key_id), ConsistentRead=True)
        return _to_key(response["Item"]) if "Item" in response else None

    def page(self, limit: int, cursor: str | None) -> tuple[list[ApiKey], str | None]:
        place = {"ExclusiveStartKey": decode_cursor(cursor, "sk") | {"pk": {"S": self._partition}}} if cursor else {}
        with translated("DynamoDB"):
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": self._partition}),
                ConsistentRead=True,
                Limit=limit + 1,
                **place,
            )
        items, more = page_of(response, limit)
        return [_to_key(item) for item in items], more

    def revoke(self, key_id: str, now: datetime) -> ApiKey:
        try:
            with translated("DynamoDB"):
                response = self._client.update_item(
                    TableName=self._table,
                    Key=self._key(key_id),
                    UpdateExpression="SET revoked_at = if_not_exists(revoked_at, :now)",
                    ConditionExpression="attribute_exists(pk)",
                    ExpressionAttributeValues=to_item({":now": timestamp(now)}),
                    ReturnValues="ALL_NEW",
                )
        except ClientError as error:
            if condition_failed(error):
                raise NotFound("There is no such key.") from error
            raise
        return _to_key(response["Attributes"])

    def note_use(self, key_id: str, now: datetime, unless_since: datetime) -> None:
        unnoted = "attribute_exists(pk) AND (attribute_not_exists(last_used_at) OR last_used_at <= :since)"
        try:
            with translated("DynamoDB"):
                self._client.update_item(
                    TableName=self._table,
                    Key=self._key(key_id),
                    UpdateExpression="SET last_used_at = :now",
                    ConditionExpression=unnoted,
                    ExpressionAttributeValues=to_item({":now": timestamp(now), ":since": timestamp(unless_since)}),
                )
        except ClientError as error:
            if not condition_failed(error):  # else another call was faster
                raise

    def _key(self, key_id: str) -> Item:
        return to_item({"pk": self._partition, "sk": key_id})


def _to_key(item: Item) -> ApiKey:
    row = to_row(item)
    return ApiKey(
        key_id=row["sk"],
        salt=row["salt"],
        secret_hash=row["secret_hash"],
        created_at=row["created_at"],
        role=row.get("role", DEFAULT_KEY_ROLE),
        name=row.get("name"),
        expires_at=row.get(EXPIRES_AT),
        last_used_at=row.get("last_used_at"),
        revoked_at=row.get("revoked_at"),
    )
