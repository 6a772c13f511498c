"""Where a citation lies, what a failure's cause may look like, and what a run is called."""

import json
from dataclasses import replace

import pytest

from onggi.domain.chunk import Passage, Scores
from onggi.domain.tenant import ChosenLimits, ChosenSettings
from onggi.ports.ledger import PublishedFacts
from onggi.ports.models import AnswerPart, GeneratedAnswer
from onggi.steps.ingestion.publish_document import Publication, publish_document
from onggi.steps.ingestion.record_failure import Failure
from onggi.steps.questions.answer import answer
from onggi.steps.questions.retrieve import Retrieval
from onggi.steps.tenancy.tenants import Places, Pool, Silo, TenantRequest, create_tenant
from tests.unit.core.fakes import (
    FakeDirectory,
    FakeLifecycle,
    FakeTenant,
    FakeWorkflow,
    FixedClock,
    control_ports,
    version_of,
)


@pytest.mark.parametrize(
    ("quote", "start", "end", "page"),
    [("one", 100, 103, 4), ("two", 104, 107, 5), ("six", 108, 111, 6), ("one\ntwo\nsix", 100, 111, 4)],
)
def test_a_citation_is_on_the_page_of_its_quote(acme: FakeTenant, quote: str, start: int, end: int, page: int) -> None:
    class Citing:
        def answer(self, *_: object) -> GeneratedAnswer:
            return GeneratedAnswer((AnswerPart("So.", ((0, quote),)),), 7, 8)

    passage = Passage("d", "v", "a.txt", 4, 100, 111, "one\ntwo\nsix", Scores(vector=0.5), (104, 108))
    found = answer("Why?", Retrieval((passage,), 1), "claude", 9, replace(acme.ports, generator=Citing()))
    (citation,) = found.citations
    assert citation.to_json() == {
        "marker": 1,
        "document_id": "d",
        "document_name": "a.txt",
        "page": page,
        "start": start,
        "end": end,
        "quote": quote,
        "score": 0.5,
    }
    assert (found.text, found.input_tokens, found.output_tokens) == ("So.[1]", 7, 8)


def test_places_of_two_documents_and_of_two_lengths_are_cited_apart(acme: FakeTenant) -> None:
    """Three citations begin at the same character: two of one document, one of another."""

    class Citing:
        def answer(self, *_: object) -> GeneratedAnswer:
            sources = ((0, "one"), (0, "one two"), (1, "one"), (1, "one"))
            return GeneratedAnswer((AnswerPart("So.", sources),), 1, 1)

    passages = tuple(
        Passage(name, "v", f"{name}.txt", 1, 0, 7, "one two", Scores(vector=0.5), ()) for name in ("a", "b")
    )
    found = answer("Why?", Retrieval(passages, 1), "claude", 9, replace(acme.ports, generator=Citing()))
    cited = [(each.marker, each.document_id, each.quote) for each in found.citations]
    assert cited == [(1, "a", "one"), (2, "a", "one two"), (3, "b", "one")]
    assert found.text == "So.[1][2][3]"


@pytest.mark.parametrize("cause", ["", "{", "{}", "[]", "null", '"text"', "7", json.dumps({"errorMessage": "odd"})])
def test_a_cause_of_another_form_is_a_fault_of_ours(cause: str) -> None:
    failure = Failure.from_catch({"Error": "BadDocument", "Cause": cause})
    assert (failure.code, failure.ours) == ("internal", True)
    assert failure.message.endswith("because of a fault on our side; upload it again later.")


def test_a_version_that_was_overtaken_is_retired(acme: FakeTenant) -> None:
    facts = PublishedFacts(1, 1, 1, "en")
    assert publish_document(acme.context, version_of(acme.context), facts, acme.ports) == Publication(
        "overtaken", 1, describe=False
    )
    assert acme.meter.recorded == []


def test_a_new_tenant_has_a_run_from_the_beginning() -> None:
    directory, workflow = FakeDirectory(), FakeWorkflow()
    wanted = TenantRequest("acme", "Acme", "basic", ChosenSettings(), ChosenLimits())
    places = Places(Pool("documents", "artifacts"), Silo("onggi-silo-"), "titan", 256)
    record = create_tenant(wanted, places, control_ports(directory, FakeLifecycle(directory), FixedClock(), workflow))
    assert (record.status, record.run, record.created_at) == (
        "provisioning",
        "1a1fd557a80",
        "2026-11-21T09:00:00.000Z",
    )
    assert directory.records["acme"] == record
    assert workflow.started == {"acme-1a1fd557a80": {"tenant_id": "acme", "run": "1a1fd557a80"}}
