"""Answers questions, finds passages, and tells a tenant who it is."""

import time
import uuid
from typing import Any

from onggi import bootstrap, requests
from onggi.domain.money import usd
from onggi.entry import ApiRequest, ApiResponse, api
from onggi.steps.answer import answer
from onggi.steps.retrieve import MAX_TOP_K, retrieve


def query(request: ApiRequest) -> ApiResponse:
    """POST /query."""
    began = time.perf_counter()
    tenant, configuration = request.verified_tenant, bootstrap.settings()
    wanted, model, max_tokens, session_id = requests.query_request(
        requests.json_object(request.body), (configuration.generation_model_id,)
    )
    ports = bootstrap.tenant_ports(tenant)
    retrieval = retrieve(wanted, ports)
    retrieved = time.perf_counter()
    found = answer(wanted.question, retrieval, model, max_tokens, ports)
    ended = time.perf_counter()
    prices = configuration.model_prices
    cost = prices[configuration.embedding_model_id].cost(retrieval.embedding_tokens)
    cost += prices[model].cost(found.input_tokens, found.output_tokens)
    latency = {"retrieve": retrieved - began, "generate": ended - retrieved, "total": ended - began}
    ports.meter.record(
        tenant,
        Queries=1,
        RetrievalLatency=latency["retrieve"] * 1000,
        QueryLatency=latency["total"] * 1000,
        EmbeddingTokens=retrieval.embedding_tokens,
        InputTokens=found.input_tokens,
        OutputTokens=found.output_tokens,
        EstimatedCostUSD=float(cost),
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
            "cost_usd": usd(cost),
        },
        "latency_ms": {name: round(seconds * 1000) for name, seconds in latency.items()},
        "request_id": request.request_id,
    }
    return ApiResponse(200, body)


def find_passages(request: ApiRequest) -> ApiResponse:
    """POST /retrieve."""
    began = time.perf_counter()
    tenant = request.verified_tenant
    wanted = requests.retrieval_request(requests.json_object(request.body))
    ports = bootstrap.tenant_ports(tenant)
    retrieval = retrieve(wanted, ports)
    cost = bootstrap.embedding_model().price.cost(retrieval.embedding_tokens)
    ports.meter.record(
        tenant,
        RetrievalLatency=(time.perf_counter() - began) * 1000,
        EmbeddingTokens=retrieval.embedding_tokens,
        EstimatedCostUSD=float(cost),
    )
    passages = [passage.to_json() for passage in retrieval.passages]
    return ApiResponse(200, {"passages": passages, "usage": {"embedding_tokens": retrieval.embedding_tokens}})


def me(request: ApiRequest) -> ApiResponse:
    """GET /me."""
    tenant, configuration = request.verified_tenant, bootstrap.settings()
    body = {
        "tenant_id": tenant.tenant_id,
        "name": tenant.name,
        "tier": tenant.tier,
        "status": request.status,
        "limits": {
            "max_document_bytes": configuration.max_document_bytes,
            "max_question_characters": requests.MAX_QUESTION,
            "max_top_k": MAX_TOP_K,
            "max_answer_tokens": requests.MAX_ANSWER_TOKENS,
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
