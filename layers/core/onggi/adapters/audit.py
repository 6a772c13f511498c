"""The control table's partition of what was changed about one tenant; kept for good."""

import json
from dataclasses import asdict
from typing import Any

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, translated
from onggi.adapters.dynamodb import Item, condition_failed, decode_cursor, page_of, to_item, to_row
from onggi.domain.audit import AuditEntry, Author

logger = Logger(service="onggi")


class DynamoAuditTrail:
    """Implements the audit trail of one tenant."""

    def __init__(self, session: AwsSession, table: str, tenant_id: str) -> None:
        self._session = session
        self._table = table
        self._tenant_id = tenant_id
        self._partition = f"AUDIT#{tenant_id}"

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("dynamodb")

    def record(self, entry: AuditEntry) -> None:
        """Keeps an entry, and logs it first, so that a change is known even where it cannot be kept."""
        logger.info("audit", extra={"audit": asdict(entry), "tenant_id": self._tenant_id})
        row = {
            "pk": self._partition,
            "sk": f"{entry.at}#{entry.author.request_id}#{entry.action}",
            "at": entry.at,
            "author": entry.author.name,
            "request_id": entry.author.request_id,
            "action": entry.action,
            "before": _to_json(entry.before),
            "after": _to_json(entry.after),
        }
        try:
            with translated("DynamoDB"):
                self._client.put_item(
                    TableName=self._table, Item=to_item(row), ConditionExpression="attribute_not_exists(pk)"
                )
        except ClientError as error:
            if not condition_failed(error):  # else a try whose answer was lost has kept it
                raise

    def page(self, limit: int, cursor: str | None) -> tuple[list[AuditEntry], str | None]:
        """The newest entries first, and a cursor where there are more.

        Raises:
            InvalidRequest: when the cursor is not one of this trail.
        """
        place = {"ExclusiveStartKey": decode_cursor(cursor, "sk") | {"pk": {"S": self._partition}}} if cursor else {}
        with translated("DynamoDB"):
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": self._partition}),
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=limit + 1,
                **place,
            )
        items, more = page_of(response, limit)
        return [_to_entry(item) for item in items], more


def _to_json(facts: dict[str, Any] | None) -> str | None:
    return None if facts is None else json.dumps(facts, ensure_ascii=False)


def _to_entry(item: Item) -> AuditEntry:
    row = to_row(item)
    before, after = (json.loads(row[name]) if name in row else None for name in ("before", "after"))
    return AuditEntry(row["at"], Author(row["author"], row["request_id"]), row["action"], before, after)
