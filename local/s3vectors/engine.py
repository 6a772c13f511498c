"""Answers S3 Vectors requests: route, validate, perform, and say in the API's own terms what came of it."""

import json
import logging
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from local.s3vectors.api import ApiModel, Call
from local.s3vectors.arns import Caller, bucket_of
from local.s3vectors.buckets import BucketOperations
from local.s3vectors.database import Database
from local.s3vectors.errors import ServiceError, ValidationError
from local.s3vectors.indexes import IndexOperations
from local.s3vectors.memory import IndexCache
from local.s3vectors.vectors import VectorOperations

Answer = tuple[int, dict[str, str], bytes]
"""HTTP status, headers and body."""

MEMORY_BUDGET = 256 * 1024 * 1024
"""Bytes that loaded indexes may take before the least recently used is dropped."""

_LOG = logging.getLogger(__name__)


class Engine:
    """One S3 Vectors service over one database file. Safe to use from several threads.

    Args:
        directory: Where the database file lives; made if it is missing.
        botocore_data: A botocore data folder whose S3 Vectors model knows full-text search (1.44.5 or newer).
        memory_budget: Bytes that loaded indexes may take.

    Attributes:
        database: What the service stores.
    """

    def __init__(self, directory: Path, botocore_data: Path, memory_budget: int = MEMORY_BUDGET) -> None:
        self.api = ApiModel(botocore_data)
        self.database = Database(directory)
        self._cache = IndexCache(self.database, memory_budget)
        self._handlers = {
            **BucketOperations(self.database).handlers,
            **IndexOperations(self.database, self._cache).handlers,
            **VectorOperations(self.database, self._cache).handlers,
        }

    @property
    def memory_in_use(self) -> int:
        """Approximate bytes that loaded indexes take now."""
        return self._cache.nbytes

    def close(self) -> None:
        """Let go of the file; what was written stays."""
        self._cache.clear()
        self.database.close()

    def clear(self) -> None:
        """Forget every bucket."""
        self._cache.clear()
        self.database.clear()

    def perform(self, operation: str, parameters: dict[str, Any], caller: Caller) -> dict[str, Any]:
        """Perform one operation as if it had come over the wire.

        Raises:
            ServiceError: If the service refuses it.
        """
        return self._perform(Call(operation, {}), {}, json.dumps(parameters).encode(), caller)

    def encryption(self, arn: str) -> dict[str, str]:
        """How an index is encrypted, or its bucket where there is no such index; empty where there is neither."""
        found = self.database.index(arn) or self.database.bucket(bucket_of(arn))
        return found.encryption if found else {}

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: bytes, caller: Caller) -> Answer:
        """Answer one HTTP request."""
        call = self.api.route(method, path)
        if call is None:
            return _answer(404, {"message": f"There is no operation at {method} {path}"}, "UnknownOperationException")
        try:
            return _answer(200, self._perform(call, query, body, caller))
        except ServiceError as error:
            return self._refusal(error)
        except UnicodeEncodeError:  # half a surrogate pair, which JSON can write but UTF-8 cannot
            return self._refusal(ValidationError("The request has text that is not valid Unicode"))
        except RecursionError:
            return self._refusal(ValidationError("The request is nested too deeply"))
        except Exception:  # a server answers even when it fails; the trace goes to the log
            _LOG.exception("%s failed", call.operation)
            return self._refusal(ServiceError("The request failed due to an internal server error"))

    def _perform(self, call: Call, query: dict[str, list[str]], body: bytes, caller: Caller) -> dict[str, Any]:
        parameters = self.api.parse(call, query, body)
        return self._handlers[call.operation](parameters, caller)

    def _refusal(self, error: ServiceError) -> Answer:
        body: dict[str, Any] = {"message": error.message}
        if isinstance(error, ValidationError) and error.violations:
            body["fieldList"] = [asdict(violation) for violation in error.violations]
        return _answer(self.api.status_of(error), body, error.code)


def _answer(status: int, body: dict[str, Any], error_type: str | None = None) -> Answer:
    headers = {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}
    if error_type is not None:
        headers["x-amzn-errortype"] = error_type
    return status, headers, json.dumps(body).encode()
