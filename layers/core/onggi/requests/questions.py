"""Requests of POST /query and POST /retrieve."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from onggi.domain.search import MAX_FILTER_CONSTRAINTS, filter_constraints
from onggi.requests.fields import Fields
from onggi.steps.questions.retrieve import MAX_TOP_K, RetrievalRequest

MAX_QUESTION: Final = 4000
DEFAULT_TOP_K: Final = 8
MAX_ANSWER_TOKENS: Final = 4096
DEFAULT_ANSWER_TOKENS: Final = 1024
SESSION_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _retrieval(fields: Fields) -> RetrievalRequest:
    question = fields.text("question", MAX_QUESTION)
    top_k = fields.integer("top_k", 1, MAX_TOP_K, DEFAULT_TOP_K)
    metadata_filter = fields.mapping("filter")
    if filter_constraints(metadata_filter) > MAX_FILTER_CONSTRAINTS:
        fields.fault(
            "filter", f"must have at most {MAX_FILTER_CONSTRAINTS} conditions; $in takes a list of values as one"
        )
    return RetrievalRequest(question, top_k, metadata_filter or None)


def retrieval_request(body: dict[str, Any]) -> RetrievalRequest:
    """The request of POST /retrieve.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    fields = Fields(body)
    request = _retrieval(fields)
    fields.finish()
    return request


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """The request of POST /query.

    Attributes:
        retrieval: which passages are looked for.
        model: the id of the answering model.
        max_tokens: the longest answer.
        session_id: of the conversation; None where the caller names none.
    """

    retrieval: RetrievalRequest
    model: str
    max_tokens: int
    session_id: str | None


def query_request(body: dict[str, Any], models: Sequence[str]) -> QueryRequest:
    """Returns the request of POST /query.

    Args:
        body: its JSON.
        models: the ids that this tenant may use; the first is the default.

    Raises:
        InvalidRequest: when it breaks the contract.
    """
    fields = Fields(body)
    request = _retrieval(fields)
    model = fields.text("model", 256, models[0])
    if model and model not in models:
        fields.fault("model", "is not one of the models that this tenant may use; GET /me lists them")
    max_tokens = fields.integer("max_tokens", 1, MAX_ANSWER_TOKENS, DEFAULT_ANSWER_TOKENS)
    session_id = fields.text("session_id", 64, "")
    if session_id and not SESSION_ID.fullmatch(session_id):
        fields.fault("session_id", "must have 1 to 64 letters, digits, - or _")
    fields.finish()
    return QueryRequest(request, model, max_tokens, session_id or None)
