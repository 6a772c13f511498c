"""What was changed about one tenant: an object for each change, kept for good.

The bucket's policy takes new objects only and lets nobody replace or remove one. Before there was a bucket, entries
were rows of the control table. No role may write there any more; the rows are listed after the objects.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated
from onggi.adapters.dynamodb import Item, decode_cursor, encode_cursor, to_item, to_row
from onggi.domain.audit import AuditEntry, Author

logger = Logger(service="onggi")

LAST_MILLISECOND: Final = 9_999_999_999_999
"""Names count down from here, in the year 2286, since S3 lists them in ascending order and readers want the newest."""
ROW_SEPARATOR: Final = "#"
"""Part of every sort key in the table and of no name in the bucket: it says which of both a cursor is a place in."""
EXISTS: Final = "PreconditionFailed"


class S3AuditTrail:
    """Implements the audit trail of one tenant."""

    def __init__(self, session: AwsSession, bucket: str, table: str, tenant_id: str) -> None:
        self._session = session
        self._bucket = bucket
        self._table = table
        self._tenant_id = tenant_id
        self._prefix = f"{tenant_id}/"

    @property
    def _s3(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("s3")

    def record(self, entry: AuditEntry) -> None:
        """Keeps an entry, and logs it first, so that a change is known even where it cannot be kept."""
        logger.info("audit", extra={"audit": asdict(entry), "tenant_id": self._tenant_id})
        try:
            with translated("S3"):
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=self._prefix + _name(entry),
                    Body=json.dumps(asdict(entry), ensure_ascii=False).encode(),
                    ContentType="application/json",
                    IfNoneMatch="*",
                )
        except ClientError as error:
            if error_code(error) != EXISTS:  # else a try whose answer was lost has kept it
                raise

    def page(self, limit: int, cursor: str | None) -> tuple[list[AuditEntry], str | None]:
        after = decode_cursor(cursor, "place")["place"]["S"] if cursor else ""
        places = [self._rows(after, limit + 1)]
        if ROW_SEPARATOR not in after:
            places = [self._objects(after, limit + 1), self._rows("", limit + 1)]
        found = list(islice(chain(*places), limit + 1))
        more = encode_cursor({"place": {"S": found[limit - 1][0]}}, "place") if len(found) > limit else None
        return [entry for _, entry in found[:limit]], more

    def _objects(self, after: str, most: int) -> Iterator[tuple[str, AuditEntry]]:
        """Return at most so many entries of the bucket that follow a name, each with its own name."""
        with translated("S3"):
            listed = self._s3.list_objects_v2(
                Bucket=self._bucket, Prefix=self._prefix, StartAfter=self._prefix + after, MaxKeys=most
            )
            for key in (each["Key"] for each in listed.get("Contents", [])):
                body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"]
                yield key.removeprefix(self._prefix), _from_object(json.load(body))

    def _rows(self, after: str, most: int) -> Iterator[tuple[str, AuditEntry]]:
        """Return at most so many entries of the table that follow a sort key, each with its own."""
        partition = {"pk": {"S": f"AUDIT#{self._tenant_id}"}}
        start = {"ExclusiveStartKey": partition | {"sk": {"S": after}}} if after else {}
        with translated("DynamoDB"):
            response = self._session.client("dynamodb").query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues=to_item({":pk": f"AUDIT#{self._tenant_id}"}),
                ScanIndexForward=False,
                ConsistentRead=True,
                Limit=most,
                **start,
            )
        for item in response["Items"]:
            yield item["sk"]["S"], _from_row(item)


def _name(entry: AuditEntry) -> str:
    milliseconds = round(datetime.fromisoformat(entry.at).timestamp() * 1000)
    moment = entry.at.replace(":", "")
    return f"{LAST_MILLISECOND - milliseconds:013}_{moment}_{entry.author.request_id}_{entry.action}.json"


def _from_object(facts: dict[str, Any]) -> AuditEntry:
    author = Author(facts["author"]["name"], facts["author"]["request_id"])
    return AuditEntry(facts["at"], author, facts["action"], facts["before"], facts["after"])


def _from_row(item: Item) -> AuditEntry:
    row = to_row(item)
    before, after = (json.loads(row[name]) if name in row else None for name in ("before", "after"))
    return AuditEntry(row["at"], Author(row["author"], row["request_id"]), row["action"], before, after)
