"""The operations on vector indexes."""

import re
import time
from typing import Any

from local.s3vectors.arns import Caller, index_arn, requested_bucket, requested_index
from local.s3vectors.buckets import INDEX_MODE, check_index_mode, checked_tags, encryption, existing_bucket
from local.s3vectors.database import Database
from local.s3vectors.errors import ConflictError, NotFoundError, QuotaExceededError, invalid
from local.s3vectors.memory import INDEX_NOT_FOUND, IndexCache
from local.s3vectors.records import Index
from local.s3vectors.tokens import next_token, position_in

MAX_INDEXES = 10_000
"""Vector indexes of a bucket, by the S3 Vectors page on limitations and restrictions."""

MAX_SEARCHABLE_KEYS = 10
"""Text search configurations of an index, by the service model."""

_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PAGE = 500


class IndexOperations:
    """Answers the operations whose names its `handlers` give; each takes validated parameters and the caller."""

    def __init__(self, database: Database, cache: IndexCache) -> None:
        self._database = database
        self._cache = cache
        self.handlers = {
            "CreateIndex": self.create,
            "GetIndex": self.get,
            "ListIndexes": self.list,
            "DeleteIndex": self.delete,
            "UpdateIndexMode": self.update_mode,
            "UpdateMetadataConfiguration": self.update_metadata_configuration,
        }

    def create(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Create an index."""
        bucket = existing_bucket(self._database, requested_bucket(parameters, caller))
        name = parameters["indexName"]
        if not _NAME.fullmatch(name):
            raise invalid(
                "/indexName", "A vector index name has 3 to 63 lowercase letters, digits, inner hyphens and inner dots"
            )
        configuration = parameters.get("metadataConfiguration", {})
        non_filterable = configuration.get("nonFilterableMetadataKeys", [])
        if len(set(non_filterable)) != len(non_filterable):
            raise invalid("/metadataConfiguration/nonFilterableMetadataKeys", "A metadata key can be given only once")
        index = Index(
            id=0,
            arn=index_arn(bucket.arn, name),
            name=name,
            bucket=bucket.arn,
            created=time.time(),
            dimension=parameters["dimension"],
            metric=parameters["distanceMetric"],
            encryption=encryption(parameters) or bucket.encryption,
            non_filterable=tuple(non_filterable),
            searchable=_searchable(configuration.get("textSearchConfigurations", []), {}),
        )
        if self._database.index_count(bucket.arn) >= MAX_INDEXES:
            message = f"A vector bucket can hold at most {MAX_INDEXES} vector indexes"
            raise QuotaExceededError(message)
        if not self._database.add_index(index, checked_tags(parameters.get("tags", {}))):
            message = "A vector index with the specified name already exists"
            raise ConflictError(message)
        return {"indexArn": index.arn}

    def get(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Describe an index."""
        index = self._database.index(requested_index(parameters, caller))
        if index is None:
            raise NotFoundError(INDEX_NOT_FOUND)
        configuration: dict[str, Any] = {}
        if index.non_filterable:
            configuration["nonFilterableMetadataKeys"] = list(index.non_filterable)
        if index.searchable:
            configuration["textSearchConfigurations"] = [
                {"metadataKey": key, "status": "ACTIVE"} | ({"language": language} if language else {})
                for key, language in index.searchable.items()
            ]
        described = _summary(index) | {
            "dataType": "float32",
            "dimension": index.dimension,
            "distanceMetric": index.metric,
            "encryptionConfiguration": index.encryption,
            "indexMode": INDEX_MODE,
        }
        return {"index": described | ({"metadataConfiguration": configuration} if configuration else {})}

    def list(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """One page of a bucket's indexes, by name."""
        bucket = existing_bucket(self._database, requested_bucket(parameters, caller))
        limit = parameters.get("maxResults", _PAGE)
        after = position_in("ListIndexes", parameters, "")
        indexes = self._database.indexes(bucket.arn, parameters.get("prefix", ""), after, limit + 1)
        page: dict[str, Any] = {"indexes": [_summary(index) for index in indexes[:limit]]}
        if len(indexes) > limit:
            page["nextToken"] = next_token("ListIndexes", parameters, indexes[limit - 1].name)
        return page

    def delete(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Delete an index and its vectors."""
        with self._cache.locked(requested_index(parameters, caller)) as slot:
            self._database.remove_index(slot.index)
            self._cache.forget(slot)
        return {}

    def update_mode(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Confirm the only mode that an index of a new bucket can have."""
        if self._database.index(requested_index(parameters, caller)) is None:
            raise NotFoundError(INDEX_NOT_FOUND)
        check_index_mode("/indexMode", parameters["indexMode"])
        return {}

    def update_metadata_configuration(self, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Add or delete text search configurations. What is added answers at once, without any backfill."""
        if ("add" in parameters) == ("delete" in parameters):
            raise invalid("/add", "Specify either add or delete, but not both")
        with self._cache.locked(requested_index(parameters, caller)) as slot:
            current = slot.index.searchable
            if "add" in parameters:
                changed = _searchable(parameters["add"].get("textSearchConfigurations", []), current)
            else:
                gone = [entry["metadataKey"] for entry in parameters["delete"].get("textSearchConfigurations", [])]
                for key in gone:
                    if key not in current:
                        raise invalid(
                            "/delete/textSearchConfigurations",
                            f"The metadata key '{key}' has no text search configuration",
                        )
                changed = {key: language for key, language in current.items() if key not in gone}
            self._database.set_searchable(slot.index.id, changed)
            slot.loaded = None
        return {"indexArn": slot.index.arn}


def _searchable(added: list[dict[str, str]], current: dict[str, str | None]) -> dict[str, str | None]:
    """The languages of all searchable keys once `added` has joined `current`."""
    searchable = dict(current)
    for entry in added:
        key = entry["metadataKey"]
        if key in searchable:
            raise invalid(
                "/textSearchConfigurations", f"The metadata key '{key}' can have only one text search configuration"
            )
        searchable[key] = entry.get("language")
    if len(searchable) > MAX_SEARCHABLE_KEYS:
        raise invalid(
            "/textSearchConfigurations", f"An index can have at most {MAX_SEARCHABLE_KEYS} text search configurations"
        )
    return searchable


def _summary(index: Index) -> dict[str, Any]:
    bucket = index.bucket.rpartition("/")[2]
    return {"vectorBucketName": bucket, "indexName": index.name, "indexArn": index.arn, "creationTime": index.created}
