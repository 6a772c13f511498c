"""Answers questions, finds passages, and tells a tenant who it is."""

import time
import uuid
from dataclasses import asdict, replace
from decimal import Decimal
from typing import Any

from onggi.bootstrap import application
from onggi.domain.money import usd
from onggi.domain.tenant import TenantContext
from onggi.entry.http import api
from onggi.entry.messages import ApiRequest, ApiResponse
from onggi.ports.bundles import TenantPorts
from onggi.requests.fields import json_object
from onggi.requests.questions import MAX_ANSWER_TOKENS, MAX_QUESTION, query_request, retrieval_request
from onggi.steps.questions.answer import answer
from onggi.steps.questions.metering import MeteredEmbedder, unfinished_metered
from onggi.steps.questions.retrieve import MAX_TOP_K, Retrieval, RetrievalRequest, retrieve


def query(request: ApiRequest) -> ApiResponse:
    """POST /query."""
    began = time.perf_counter()
    tenant, configuration = request.verified_tenant, application.settings
    wanted, model, max_tokens, session_id = query_request(
        json_object(request.body), (configuration.generation_model_id,)
    )
    _note_question(request, wanted)
    ports = application.tenant_ports(tenant, request.seconds_left)
    retrieval, embedding_cost = _retrieve(tenant, wanted, ports, began)
    retrieved = time.perf_counter()
    price = configuration.models[model].price
    with unfinished_metered(tenant, price, ports.meter):
        found = answer(wanted.question, retrieval, model, max_tokens, ports)
    ended = time.perf_counter()
    generation_cost = price.cost(found.input_tokens, found.output_tokens)
    latency = {"retrieve": retrieved - began, "generate": ended - retrieved, "total": ended - began}
    ports.meter.record(
        tenant,
        Queries=1,
        QueryLatency=latency["total"] * 1000,
        InputTokens=found.input_tokens,
        OutputTokens=found.output_tokens,
        EstimatedCostUSD=float(generation_cost),
    )
    body: dict[str, Any] = {
        "answer": found.text,
        "grounded": found.grounded,
        "citations": [citation.to_json() for citation in found.citations],
        "model": model,
        "session_id": session_id or uuid.uuid4().hex,
        "usage": {
            "embedding_tokens": retrieval.embedding_tokens,
            "input_tokens": found.input_tokens,
            "output_tokens": found.output_tokens,
            "cost_usd": usd(embedding_cost + generation_cost),
        },
        "latency_ms": {name: round(seconds * 1000) for name, seconds in latency.items()},
        "request_id": request.request_id,
    }
    return ApiResponse(200, body)


def _note_question(request: ApiRequest, wanted: RetrievalRequest) -> None:
    """Lets the call's log line tell the question, in a stack whose operator has asked for that."""
    if application.settings.log_questions:
        request.about["question"] = wanted.question


def _retrieve(
    tenant: TenantContext, wanted: RetrievalRequest, ports: TenantPorts, began: float
) -> tuple[Retrieval, Decimal]:
    """Retrieves, and meters the question's tokens even if nothing follows; with their cost in USD."""
    price = application.embedding_model(tenant.placement).price
    metered = MeteredEmbedder(ports.embedder, tenant, price, ports.meter)
    retrieval = retrieve(wanted, replace(ports, embedder=metered))
    ports.meter.record(tenant, RetrievalLatency=(time.perf_counter() - began) * 1000)
    return retrieval, price.cost(retrieval.embedding_tokens)


def find_passages(request: ApiRequest) -> ApiResponse:
    """POST /retrieve."""
    began = time.perf_counter()
    tenant = request.verified_tenant
    wanted = retrieval_request(json_object(request.body))
    _note_question(request, wanted)
    retrieval, _ = _retrieve(tenant, wanted, application.tenant_ports(tenant, request.seconds_left), began)
    passages = [passage.to_json() for passage in retrieval.passages]
    return ApiResponse(200, {"passages": passages, "usage": {"embedding_tokens": retrieval.embedding_tokens}})


def me(request: ApiRequest) -> ApiResponse:
    """GET /me."""
    tenant, configuration = request.verified_tenant, application.settings
    body = {
        "tenant_id": tenant.tenant_id,
        "name": tenant.name,
        "tier": tenant.tier,
        "status": request.status,
        "limits": {
            **asdict(tenant.limits(configuration.max_document_bytes)),
            "max_question_characters": MAX_QUESTION,
            "max_top_k": MAX_TOP_K,
            "max_answer_tokens": MAX_ANSWER_TOKENS,
        },
        "models": [configuration.generation_model_id],
    }
    return ApiResponse(200, body)


handler = api(
    {
        ("POST", "/v1/query"): query,
        ("POST", "/v1/retrieve"): find_passages,
        ("GET", "/v1/me"): me,
    }
)
