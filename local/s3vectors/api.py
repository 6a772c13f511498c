"""The S3 Vectors API as botocore's service model describes it: routes, requests, validation, error statuses."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel, StructureShape

from local.s3vectors.errors import ServiceError, ValidationError, Violation
from local.s3vectors.validation import violations

MAX_PAYLOAD_BYTES = 20 * 1024 * 1024
"""Largest request body, by the S3 Vectors page on limitations and restrictions."""

_DEFAULT_ERROR_STATUS = 400  # what the protocol prescribes for a modelled client error without a status


@dataclass(frozen=True)
class Call:
    """One request, routed: the operation and the parameters found in its path."""

    operation: str
    uri_parameters: dict[str, str]


class ApiModel:
    """The routes and shapes of one service, read from a botocore data folder.

    Args:
        botocore_data: Folder that holds `s3vectors/<version>/service-2.json` (or `.json.gz`).

    Raises:
        botocore.exceptions.UnknownServiceError: If the folder has no S3 Vectors model.
    """

    def __init__(self, botocore_data: Path) -> None:
        loader = Loader(extra_search_paths=[str(botocore_data)], include_default_search_paths=False)
        self._service = ServiceModel(loader.load_service_model("s3vectors", "service-2"), "s3vectors")
        self._routes = [self._route(self._service.operation_model(name)) for name in self._service.operation_names]

    @staticmethod
    def _route(operation: OperationModel) -> tuple[str, re.Pattern[str], str]:
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(operation.http["requestUri"]))
        return operation.http["method"], re.compile(pattern), operation.name

    def route(self, method: str, path: str) -> Call | None:
        """The operation that answers `method path`, or None if there is none."""
        for expected_method, pattern, name in self._routes:
            match = pattern.fullmatch(path.rstrip("/")) if method == expected_method else None
            if match:
                return Call(name, {key: unquote(value) for key, value in match.groupdict().items()})
        return None

    def parse(self, call: Call, query: dict[str, list[str]], body: bytes) -> dict[str, Any]:
        """The validated parameters of a request.

        Raises:
            ValidationError: If the body is too large or no JSON object, or breaks the operation's input shape.
        """
        shape = self._shape(call.operation, "input")
        parameters = _json_object(body) | call.uri_parameters
        for name, member in shape.members.items():
            values = query.get(member.serialization.get("name", name), [])
            if values and member.serialization.get("location") == "querystring":
                parameters[name] = values if member.type_name == "list" else values[0]
        found = tuple(violations(parameters, shape))
        if found:
            count = f"{len(found)} validation error{'s' if len(found) > 1 else ''} detected. "
            raise ValidationError(count + "; ".join(violation.message for violation in found), found)
        return parameters

    def output_violations(self, operation: str, output: dict[str, Any]) -> list[Violation]:
        """Every way in which an answer breaks the operation's output shape."""
        return list(violations(output, self._shape(operation, "output")))

    def _shape(self, operation: str, direction: Literal["input", "output"]) -> StructureShape:
        model = self._service.operation_model(operation)
        shape = model.input_shape if direction == "input" else model.output_shape
        if shape is None:
            message = f"The service model gives {operation} no {direction}"
            raise ValueError(message)
        return shape

    def status_of(self, error: ServiceError) -> int:
        """The HTTP status with which the model says `error` is answered."""
        metadata = self._service.shape_for(error.code).metadata
        return int(metadata.get("error", {}).get("httpStatusCode", _DEFAULT_ERROR_STATUS))


def _json_object(body: bytes) -> dict[str, Any]:
    if len(body) > MAX_PAYLOAD_BYTES:
        message = f"Request payload must have at most {MAX_PAYLOAD_BYTES} bytes"
        raise ValidationError(message)
    try:
        parsed = json.loads(body) if body else {}
    except ValueError as error:
        message = f"The request body is not valid JSON: {error}"
        raise ValidationError(message) from error
    if not isinstance(parsed, dict):
        message = "The request body must be a JSON object"
        raise ValidationError(message)
    return parsed
