"""Answers questions, finds passages, and shows a tenant what it is and may do."""

import uuid
from dataclasses import asdict
from typing import Any

from onggi.bootstrap import application
from onggi.domain.money import usd
from onggi.entry.http import Api
from onggi.entry.messages import ApiRequest, ApiResponse
from onggi.requests.fields import json_object
from onggi.requests.questions import MAX_ANSWER_TOKENS, MAX_QUESTION, query_request, retrieval_request
from onggi.steps.questions.ask import AnsweringModel, MeteredAnswer, ask, find_passages
from onggi.steps.questions.retrieve import MAX_TOP_K, RetrievalRequest

api = Api()


@api.route("POST", "/v1/query", role="reader")
def query(request: ApiRequest) -> ApiResponse:
    """POST /query."""
    tenant, settings = request.verified_tenant, application.settings
    wanted = query_request(json_object(request.body), (settings.generation_model_id,))
    _log_question(request, wanted.retrieval)
    price = application.embedding_model(tenant.placement).price
    model = AnsweringModel(wanted.model, settings.models[wanted.model].price, wanted.max_tokens)
    ports = application.tenant_ports(tenant, request.seconds_left)
    found = ask(tenant, wanted.retrieval, price, model, ports)
    context = {"model": wanted.model, "session_id": wanted.session_id or uuid.uuid4().hex}
    return ApiResponse(200, _shown(found) | context | {"request_id": request.request_id})


def _shown(found: MeteredAnswer) -> dict[str, Any]:
    answer = found.answer
    latency = {
        "retrieve": found.retrieve_seconds,
        "generate": found.generate_seconds,
        "total": found.total_seconds,
    }
    return {
        "answer": answer.text,
        "grounded": answer.grounded,
        "citations": [citation.to_json() for citation in answer.citations],
        "usage": {
            "embedding_tokens": found.embedding_tokens,
            "input_tokens": answer.input_tokens,
            "output_tokens": answer.output_tokens,
            "cost_usd": usd(found.cost),
        },
        "latency_ms": {name: round(seconds * 1000) for name, seconds in latency.items()},
    }


def _log_question(request: ApiRequest, wanted: RetrievalRequest) -> None:
    """Adds the question to the call's log line, in a stack whose operator has asked for that."""
    if application.settings.log_questions:
        request.about["question"] = wanted.question


@api.route("POST", "/v1/retrieve", role="reader")
def retrieve(request: ApiRequest) -> ApiResponse:
    """POST /retrieve."""
    tenant = request.verified_tenant
    wanted = retrieval_request(json_object(request.body))
    _log_question(request, wanted)
    price = application.embedding_model(tenant.placement).price
    found = find_passages(tenant, wanted, price, application.tenant_ports(tenant, request.seconds_left)).retrieval
    passages = [passage.to_json() for passage in found.passages]
    return ApiResponse(200, {"passages": passages, "usage": {"embedding_tokens": found.embedding_tokens}})


@api.route("GET", "/v1/me", role="reader")
def me(request: ApiRequest) -> ApiResponse:
    """GET /me."""
    tenant, settings = request.verified_tenant, application.settings
    body = {
        "tenant_id": tenant.tenant_id,
        "name": tenant.name,
        "tier": tenant.tier,
        "status": request.status,
        "limits": {
            **asdict(tenant.limits(settings.max_document_bytes)),
            "max_question_characters": MAX_QUESTION,
            "max_top_k": MAX_TOP_K,
            "max_answer_tokens": MAX_ANSWER_TOKENS,
        },
        "models": [settings.generation_model_id],
    }
    return ApiResponse(200, body)


handler = api.handler
