"""Tenants on their way in and out, in the control table, and how many indexes each pooled vector bucket holds."""

import json
from dataclasses import asdict, replace
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, translated
from onggi.adapters.directory import TENANTS, move_as_text
from onggi.adapters.dynamodb import Item, condition_failed, to_item, to_row
from onggi.domain.errors import Conflict
from onggi.domain.tenant import Placement, Receipt, TenantRecord

POOLS: Final = "POOLS"
"""The partition that counts the indexes of each vector bucket."""
UNCHANGED: Final = "attribute_exists(pk) AND (attribute_not_exists(revision) OR revision = :known)"
CHANGE: Final = "SET context = :context, #status = :status, #run = :run, revision = :revision"


class DynamoTenantLifecycle:
    """Implements the tenants' lifecycle on the control table."""

    def __init__(self, session: AwsSession, table: str) -> None:
        self._session = session
        self._table = table

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("dynamodb")

    def change(self, known: TenantRecord, changed: TenantRecord) -> TenantRecord:
        changed = replace(changed, revision=known.revision + 1)
        try:
            with translated("DynamoDB"):
                self._client.update_item(**self._change(known, changed))
        except ClientError as error:
            if condition_failed(error):
                raise _overtaken() from error
            raise
        return changed

    def place(self, known: TenantRecord, vector_bucket: str, capacity: int) -> TenantRecord | None:
        placed = replace(_placed(known, vector_bucket), revision=known.revision + 1)
        count = {
            "TableName": self._table,
            "Key": to_item({"pk": POOLS, "sk": vector_bucket}),
            "UpdateExpression": "ADD index_count :one",
            "ConditionExpression": "attribute_not_exists(index_count) OR index_count < :capacity",
            "ExpressionAttributeValues": to_item({":one": 1, ":capacity": capacity}),
        }
        try:
            with translated("DynamoDB"):
                self._client.transact_write_items(
                    TransactItems=[{"Update": self._change(known, placed)}, {"Update": count}]
                )
        except ClientError as error:
            if not condition_failed(error):
                raise
            tenant, _ = error.response["CancellationReasons"]
            if tenant["Code"] == "ConditionalCheckFailed":
                raise _overtaken() from error
            return None
        return placed

    def remove(self, known: TenantRecord, receipt: Receipt) -> None:
        row = asdict(receipt) | {"pk": _receipts_of(receipt.tenant_id), "sk": receipt.removed_at}
        writes: list[dict[str, Any]] = [
            {
                "Delete": {
                    "TableName": self._table,
                    "Key": to_item({"pk": TENANTS, "sk": known.context.tenant_id}),
                    "ConditionExpression": UNCHANGED,
                    "ExpressionAttributeValues": to_item({":known": known.revision}),
                }
            },
            {"Put": {"TableName": self._table, "Item": to_item(row)}},
        ]
        places = [known.context.placement, *([known.move.other] if known.move else [])]
        self._write_all([*writes, *(write for place in places for write in self._one_index_less(place))])

    def end_move(self, known: TenantRecord) -> TenantRecord:
        ended = replace(known, move=None, revision=known.revision + 1)
        self._write_all(
            [{"Update": self._change(known, ended)}, *self._one_index_less(known.at_other_placement.placement)]
        )
        return ended

    def _write_all(self, writes: list[dict[str, Any]]) -> None:
        try:
            with translated("DynamoDB"):
                self._client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if condition_failed(error):
                raise _overtaken() from error
            raise

    def _one_index_less(self, placement: Placement) -> list[dict[str, Any]]:
        """The write that gives a place in a pool free; none where the vector bucket is the tenant's own, or is none."""
        if placement.stack or not placement.vector_bucket:
            return []
        count = {
            "TableName": self._table,
            "Key": to_item({"pk": POOLS, "sk": placement.vector_bucket}),
            "UpdateExpression": "ADD index_count :one_less",
            "ExpressionAttributeValues": to_item({":one_less": -1}),
        }
        return [{"Update": count}]

    def receipt(self, tenant_id: str) -> Receipt | None:
        with translated("DynamoDB"):
            response = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": _receipts_of(tenant_id)}),
                ConsistentRead=True,
                ScanIndexForward=False,
                Limit=1,
            )
        return next((_to_receipt(item) for item in response["Items"]), None)

    def _change(self, known: TenantRecord, changed: TenantRecord) -> dict[str, Any]:
        code = changed.reason_code if changed.reason else None
        kept = {"reason": changed.reason, "reason_code": code, "move": move_as_text(changed)}
        update = CHANGE + "".join(f", #{name} = :{name}" for name, value in kept.items() if value)
        removed = [f"#{name}" for name, value in kept.items() if not value]
        values = {
            ":known": known.revision,
            ":context": json.dumps(changed.context.to_dict(), ensure_ascii=False),
            ":status": changed.status,
            ":run": changed.run,
            ":revision": changed.revision,
            **{f":{name}": value for name, value in kept.items() if value},
        }
        return {
            "TableName": self._table,
            "Key": to_item({"pk": TENANTS, "sk": known.context.tenant_id}),
            "UpdateExpression": update + (" REMOVE " + ", ".join(removed) if removed else ""),
            "ConditionExpression": UNCHANGED,
            "ExpressionAttributeNames": {f"#{name}": name for name in ("status", "run", *kept)},
            "ExpressionAttributeValues": to_item(values),
        }


def _placed(known: TenantRecord, vector_bucket: str) -> TenantRecord:
    placement = replace(known.at_other_placement.placement, vector_bucket=vector_bucket)
    if known.move:
        return replace(known, move=replace(known.move, other=placement))
    return replace(known, context=replace(known.context, placement=placement))


def _overtaken() -> Conflict:
    return Conflict("The tenant has been changed in the meantime; look at it and try again.")


def _receipts_of(tenant_id: str) -> str:
    return f"RECEIPT#{tenant_id}"


def _to_receipt(item: Item) -> Receipt:
    row = to_row(item)
    before, after = ({kind: int(count) for kind, count in row[when].items()} for when in ("before", "after"))
    export = row.get("export")
    if export is not None:
        export["objects"] = int(export["objects"])
    return Receipt(row["tenant_id"], row["created_at"], row["removed_at"], before, after, export)
