"""How tenants come in: requests repeated and overtaken, pools that fill, isolation that does not hold."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from moto import mock_aws

from onggi.adapters.aws import AwsSession
from onggi.adapters.directory import DynamoTenantDirectory
from onggi.adapters.lifecycle import DynamoTenantLifecycle
from onggi.adapters.workflows import ContinuedWorkflow, StepFunctionsWorkflow
from onggi.domain.chunk import Passage
from onggi.domain.errors import Conflict, ModelRefused, NotFound, TenantMismatch, TransientError
from onggi.domain.money import ModelPrice
from onggi.domain.runs import tenant_owned_by_run
from onggi.domain.search import analysers_for_question
from onggi.domain.tenant import ChosenLimits, ChosenSettings, TenantRecord, Tier, is_tenant_id
from onggi.ports.models import GeneratedAnswer
from onggi.ports.tenants import TenantDirectory, TenantLifecycle
from onggi.steps.ingestion.embed_chunks import EmbeddingModel
from onggi.steps.tenancy import tenants
from onggi.steps.tenancy.onboarding import (
    activate_tenant,
    place_tenant,
    provision_tenant,
    validate_tenant,
    verify_models,
    verify_tenant,
)
from onggi.steps.tenancy.record_tenant_failure import FAULT, UNAVAILABLE, code_of, reason_of, record_tenant_failure
from onggi.steps.tenancy.tenants import Places, Pool, Silo, TenantRequest, create_tenant, execution_name, new_run
from tests.unit.core.conftest import CONTROL_TABLE
from tests.unit.core.fakes import (
    DIMENSIONS,
    FakeDirectory,
    FakeIndexes,
    FakeIsolationProbe,
    FakeLifecycle,
    FakeStacks,
    FakeTenant,
    FakeWorkflow,
    FixedClock,
    control_ports,
    tenant_named,
    version_of,
)

PLACES = Places(Pool("documents", "artifacts"), Silo("onggi-silo-"), "titan", 256)
MACHINE = {"States": {"Done": {"Type": "Succeed"}}, "StartAt": "Done"}


class Operator:
    """Sends the same request to the same control table, time and again."""

    def __init__(self, directory: TenantDirectory, lifecycle: TenantLifecycle) -> None:
        self.directory, self.lifecycle = directory, lifecycle
        self.workflow, self.clock = FakeWorkflow(), FixedClock()

    def create(
        self, tenant_id: str, name: str = "Acme", limits: ChosenLimits | None = None, tier: Tier = "basic"
    ) -> TenantRecord:
        self.clock.advance(seconds=1)
        return create_tenant(
            TenantRequest(tenant_id, name, tier, ChosenSettings(), limits or ChosenLimits()),
            PLACES,
            control_ports(self.directory, self.lifecycle, self.clock, self.workflow),
        )

    def record(self, tenant_id: str) -> TenantRecord:
        found = self.directory.find(tenant_id)
        assert found is not None
        return found

    def change(self, tenant_id: str, **changes: object) -> TenantRecord:
        known = self.record(tenant_id)
        return self.lifecycle.change(known, replace(known, **changes))  # type: ignore[arg-type]  # fields of a record


@pytest.fixture(params=["fake", "dynamodb"])
def operator(request: pytest.FixtureRequest) -> Operator:
    if request.param == "fake":
        directory = FakeDirectory()
        return Operator(directory, FakeLifecycle(directory))
    aws: AwsSession = request.getfixturevalue("aws")
    client = aws.client("dynamodb")
    for item in client.scan(TableName=CONTROL_TABLE)["Items"]:
        client.delete_item(TableName=CONTROL_TABLE, Key={"pk": item["pk"], "sk": item["sk"]})
    return Operator(DynamoTenantDirectory(aws, CONTROL_TABLE, FixedClock()), DynamoTenantLifecycle(aws, CONTROL_TABLE))


def test_a_request_repeated_while_it_is_worked_on_starts_nothing_more(operator: Operator) -> None:
    first = operator.create("acme")
    assert operator.create("acme") == first
    assert list(operator.workflow.started) == [execution_name(first)]
    with pytest.raises(Conflict):
        operator.create("acme", "Somebody else")


def test_a_request_with_other_limits_is_another_request(operator: Operator) -> None:
    chosen = ChosenLimits(documents=5)
    operator.create("acme", limits=chosen)
    assert operator.create("acme", limits=chosen).context.chosen_limits == chosen
    assert operator.record("acme").context.chosen_limits == chosen
    with pytest.raises(Conflict):
        operator.create("acme")


def test_a_request_that_could_not_start_the_workflow_is_resumed(operator: Operator) -> None:
    operator.workflow.fault = TransientError("down")
    with pytest.raises(TransientError):
        operator.create("acme")
    operator.workflow.fault = None
    assert operator.create("acme").status == "provisioning"
    assert len(operator.workflow.started) == 1


def test_a_failed_onboarding_gets_a_new_run(operator: Operator) -> None:
    first = operator.create("acme")
    operator.change("acme", status="failed", reason="No room.")
    again = operator.create("acme")
    assert (again.status, again.reason) == ("provisioning", None)
    assert list(operator.workflow.started) == [execution_name(first), execution_name(again)]
    assert operator.record("acme") == again


def test_an_execution_that_was_aborted_is_followed_by_another(operator: Operator) -> None:
    first = operator.create("acme")
    operator.workflow.ended.add(execution_name(first))
    operator.create("acme")
    assert len(operator.workflow.started) == 2


@pytest.mark.parametrize("status", ["active", "suspended", "removing"])
def test_a_tenant_that_is_in_is_not_created_again(operator: Operator, status: str) -> None:
    operator.create("acme")
    operator.change("acme", status=status)
    with pytest.raises(Conflict):
        operator.create("acme")
    assert len(operator.workflow.started) == 1


def test_a_change_of_what_has_changed_is_refused(operator: Operator) -> None:
    known = operator.create("acme")
    operator.change("acme", status="failed")
    with pytest.raises(Conflict):
        operator.lifecycle.change(known, replace(known, status="active"))
    with pytest.raises(Conflict):
        operator.lifecycle.place(known, "pool-1", 1)
    assert operator.record("acme").status == "failed"


def test_nobody_is_changed_into_somebody(operator: Operator) -> None:
    nobody = TenantRecord(tenant_named("nobody"), "active", "2026-11-21T09:00:00.000Z")
    with pytest.raises(Conflict):
        operator.lifecycle.change(nobody, nobody)
    assert operator.directory.find("nobody") is None


def test_a_full_pool_is_followed_by_the_next_and_no_place_is_given_twice(operator: Operator) -> None:
    places = []
    for number in range(5):
        record = operator.create(f"tenant-{number}")
        for _ in range(2):  # a step that runs twice counts once
            record = (
                place_tenant(
                    operator.record(record.context.tenant_id), ("pool-1", "pool-2"), operator.lifecycle, capacity=2
                )
                if number < 4
                else record
            )
        places.append(operator.record(f"tenant-{number}").context.placement.vector_bucket)
    assert places == ["pool-1", "pool-1", "pool-2", "pool-2", ""]
    with pytest.raises(Conflict, match="FurtherVectorBuckets"):
        place_tenant(record, ("pool-1", "pool-2"), operator.lifecycle, capacity=2)
    third = place_tenant(record, ("pool-1", "pool-2", "pool-3"), operator.lifecycle, capacity=2)
    assert third.context.placement.vector_bucket == "pool-3"


def test_a_step_works_for_the_run_that_has_the_tenant_only(operator: Operator) -> None:
    record = operator.create("acme")
    assert tenant_owned_by_run(operator.directory.find("acme"), record.run, "provisioning") == record
    for run, status in (("another", "provisioning"), (record.run, "active")):
        with pytest.raises(Conflict):
            tenant_owned_by_run(operator.directory.find("acme"), run, status)  # type: ignore[arg-type]  # statuses
    with pytest.raises(NotFound):
        tenant_owned_by_run(operator.directory.find("nobody"), record.run, "provisioning")


def test_activation_twice_is_activation(operator: Operator) -> None:
    operator.create("acme")
    activate_tenant(operator.record("acme"), operator.lifecycle)
    active = operator.record("acme")
    activate_tenant(active, operator.lifecycle)
    assert (operator.record("acme"), active.status) == (active, "active")


def test_nothing_is_inherited_from_an_earlier_tenant(acme: FakeTenant) -> None:
    validate_tenant(acme.context, acme.ports)
    acme.artifacts.write("left", b"over")
    with pytest.raises(Conflict, match="earlier tenant"):
        validate_tenant(acme.context, acme.ports)
    acme.artifacts.delete(["left"])
    acme.ledger.claim(version_of(acme.context), "e1")
    with pytest.raises(Conflict, match="earlier tenant"):
        validate_tenant(acme.context, acme.ports)


def test_more_rows_than_a_page_reads_are_something_that_is_left(
    acme: FakeTenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acme.ledger, "page", lambda *_: ([], "a cursor"))
    with pytest.raises(Conflict, match="earlier tenant"):
        validate_tenant(acme.context, acme.ports)


def test_nothing_lies_in_a_bucket_that_is_not_made_yet(acme: FakeTenant, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = replace(acme.context, placement=Silo("onggi-silo-").place("acme"))
    monkeypatch.setattr(acme.artifacts, "names", lambda _: pytest.fail("asked a bucket that is not there"))
    validate_tenant(alone, acme.ports)
    acme.ledger.claim(version_of(acme.context), "e1")
    with pytest.raises(Conflict, match="earlier tenant"):
        validate_tenant(alone, acme.ports)


def test_a_premium_tenant_has_a_place_that_nobody_had_before(operator: Operator) -> None:
    first, second = (operator.create(tenant_id, tier="premium").context for tenant_id in ("acme", "bcme"))
    for tenant in (first, second):
        placement = tenant.placement
        stack = placement.stack
        assert stack.startswith("onggi-silo-")
        assert placement.documents_bucket == f"{stack}-documents"
        assert placement.artifacts_bucket == f"{stack}-artifacts"
        assert (placement.vector_bucket, placement.index) == (f"{stack}-vectors", tenant.tenant_id)
        assert len(placement.documents_bucket) <= 63
    assert first.placement.stack != second.placement.stack
    assert operator.create("acme", tier="premium").context.tier == "premium"
    assert operator.record("acme").context == first, "the same request again keeps the place"
    with pytest.raises(Conflict):
        operator.create("acme", tier="basic")
    assert place_tenant(operator.record("acme"), (), operator.lifecycle) == operator.record("acme")


def test_a_stack_stands_before_its_index_is_made(operator: Operator) -> None:
    stacks, indexes = FakeStacks(), FakeIndexes()
    operator.create("acme", tier="premium")
    record = operator.record("acme")
    assert not provision_tenant(record, stacks, indexes.create)
    assert indexes.created == []
    assert provision_tenant(record, stacks, indexes.create)
    assert indexes.created == ["acme"]
    assert stacks.asked == {record.context.placement.stack: [record.run] * 2}
    operator.create("bcme")
    assert provision_tenant(operator.record("bcme"), stacks, indexes.create)
    assert len(stacks.asked) == 1, "a basic tenant has none"


def test_a_breach_keeps_a_tenant_out() -> None:
    probe = FakeIsolationProbe()
    verify_tenant(probe)
    assert probe.used == 1
    probe.open = ["read uploads", "search vectors"]
    with pytest.raises(TenantMismatch, match="read uploads, search vectors"):
        verify_tenant(probe)


MODEL = EmbeddingModel("titan", DIMENSIONS, ModelPrice(Decimal(1)))


def test_the_models_are_asked_as_questions_ask_them(acme: FakeTenant) -> None:
    searched: list[tuple[int, str, int]] = []
    asked: list[tuple[int, str, int]] = []

    def search(vector: list[float], text: str, limit: int, _: object) -> list[Passage]:
        searched.append((len(vector), text, limit))
        return []

    def answer(question: str, passages: list[Passage], model: str, max_tokens: int) -> GeneratedAnswer:
        assert question
        asked.append((len(passages), model, max_tokens))
        return GeneratedAnswer((), 1, 1)

    ports = replace(
        acme.ports,
        index=SimpleNamespace(search=search),
        generator=SimpleNamespace(answer=answer),
    )
    verify_models(ports, MODEL, "claude")
    [(numbers, text, limit)] = searched
    assert (numbers, limit) == (DIMENSIONS, 1)
    assert analysers_for_question(text) == ["text_ko", "text_en"]
    assert asked == [(1, "claude", 1)], "with a search result, for one token"
    assert acme.meter.recorded == [], "the tenant has used nothing"


def test_a_model_of_other_dimensions_than_the_index_takes_nobody_in(acme: FakeTenant) -> None:
    with pytest.raises(ModelRefused, match=f"{DIMENSIONS} numbers instead of 512; choose EmbeddingDimensions"):
        verify_models(acme.ports, replace(MODEL, dimensions=512), "claude")


@pytest.mark.parametrize("port", ["embedder", "generator"])
@pytest.mark.parametrize("error", [ModelRefused("The model may not be used."), TransientError("busy")])
def test_a_model_that_is_refused_or_busy_takes_nobody_in(
    acme: FakeTenant, port: str, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(getattr(acme, port), "embed" if port == "embedder" else "answer", fail)
    with pytest.raises(type(error)):
        verify_models(acme.ports, MODEL, "claude")


def test_a_place_is_made_for_the_stacks_model_and_keeps_it(operator: Operator) -> None:
    operator.create("acme")
    placement = operator.record("acme").context.placement
    assert (placement.embedding_model, placement.embedding_dimensions) == ("titan", 256)
    assert placement.recorded("newer", 1024) == placement
    operator.change("acme", status="failed")
    assert operator.create("acme").context.placement == placement


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ({"Error": "ModelRefused", "Cause": '{"errorMessage": "Enable access."}'}, "Enable access."),
        ({"Error": "Conflict", "Cause": '{"errorMessage": "Every bucket is full."}'}, "Every bucket is full."),
        ({"Error": "TransientError", "Cause": '{"errorMessage": "S3 is down."}'}, UNAVAILABLE),
        ({"Error": "KeyError", "Cause": '{"errorMessage": "secret"}'}, FAULT),
        ({"Error": "Conflict", "Cause": "no JSON"}, FAULT),
        ({"Error": "Conflict"}, FAULT),
        ({}, FAULT),
    ],
)
def test_a_failure_is_told_in_a_sentence(error: dict[str, str], reason: str) -> None:
    assert reason_of(error) == reason


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"Error": "ModelRefused", "Cause": '{"errorMessage": "Enable access."}'}, "model_refused"),
        ({"Error": "Conflict", "Cause": '{"errorMessage": "Full."}'}, "conflict"),
        ({"Error": "TransientError", "Cause": '{"errorMessage": "S3 is down."}'}, "unavailable"),
        ({"Error": "KeyError", "Cause": '{"errorMessage": "secret"}'}, "internal"),
        ({"Error": "Conflict", "Cause": "no JSON"}, "internal"),
        ({}, "internal"),
    ],
)
def test_a_failure_has_a_code(error: dict[str, str], code: str) -> None:
    assert code_of(error) == code


def test_a_code_is_shown_as_long_as_its_reason(operator: Operator) -> None:
    run = operator.create("acme").run
    error = {"Error": "ModelRefused", "Cause": '{"errorMessage": "Enable access."}'}
    record_tenant_failure("acme", run, error, operator.directory, operator.lifecycle)
    shown = tenants.shown(operator.record("acme"), 1)
    assert (shown["status"], shown["reason"], shown["reason_code"]) == ("failed", "Enable access.", "model_refused")
    operator.create("acme")
    assert not {"reason", "reason_code"} & set(tenants.shown(operator.record("acme"), 1))


def test_a_failure_of_a_run_that_was_overtaken_concerns_nobody(operator: Operator) -> None:
    run = operator.create("acme").run
    error = {"Error": "Conflict", "Cause": '{"errorMessage": "Full."}'}
    assert not record_tenant_failure("acme", "another", error, operator.directory, operator.lifecycle)
    assert not record_tenant_failure("nobody", run, error, operator.directory, operator.lifecycle)
    assert record_tenant_failure("acme", run, error, operator.directory, operator.lifecycle)
    assert (operator.record("acme").status, operator.record("acme").reason) == ("failed", "Full.")
    assert not record_tenant_failure("acme", run, error, operator.directory, operator.lifecycle)


def test_a_workflow_starts_once_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        session = AwsSession()
        client = session.client("stepfunctions")
        arn = client.create_state_machine(
            name="onboarding", definition=str(MACHINE).replace("'", '"'), roleArn="arn:aws:iam::123456789012:role/any"
        )["stateMachineArn"]
        workflow = StepFunctionsWorkflow(session, arn)
        assert not workflow.is_running("one")
        assert workflow.start("one", {"a": 1})
        assert workflow.start("one", {"a": 1}), "it runs already"
        execution = client.list_executions(stateMachineArn=arn)["executions"][0]["executionArn"]
        client.stop_execution(executionArn=execution)
        assert not workflow.start("one", {"a": 1})
        assert len(client.list_executions(stateMachineArn=arn)["executions"]) == 1


class Described:
    """Step Functions, of whose definitions one was replaced since an execution began."""

    def __init__(self, begun: str) -> None:
        self._begun = begun

    def client(self, _: str) -> "Described":
        return self

    def describe_state_machine_for_execution(self, **asked: str) -> dict[str, str]:
        assert asked == {"executionArn": "arn:aws:states:us-east-1:123456789012:execution:ingestion:e1"}
        return {"definition": self._begun}

    def describe_state_machine(self, **asked: str) -> dict[str, str]:
        assert asked == {"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:ingestion"}
        return {"definition": "new"}


@pytest.mark.parametrize(("begun", "is_outdated"), [("old", True), ("new", False)])
def test_an_execution_knows_whether_its_definition_was_replaced(begun: str, *, is_outdated: bool) -> None:
    arn = "arn:aws:states:us-east-1:123456789012:stateMachine:ingestion"
    workflow = StepFunctionsWorkflow(Described(begun), arn)  # type: ignore[arg-type]  # only its client is asked for
    assert workflow.is_outdated("e1") == is_outdated


@pytest.mark.parametrize(
    ("executions", "is_running"),
    [
        ({}, False),
        ({"run": "RUNNING"}, True),
        ({"run": "ended"}, False),
        ({"run": "ended", "run-2": "RUNNING"}, True),
        ({"run": "ended", "run-2": "ended", "run-3": "RUNNING"}, True),
        ({"run": "ended", "run-2": "ended"}, False),
        ({"run": "ended", "run-3": "RUNNING"}, False),
        ({"runs-2": "RUNNING"}, False),
    ],
)
def test_a_run_lives_as_long_as_one_of_its_executions(
    monkeypatch: pytest.MonkeyPatch, unused_tenant_id: str, executions: dict[str, str], *, is_running: bool
) -> None:
    """Else the same request again would take the tenant from an execution that took over, and begin from scratch."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with mock_aws():
        session = AwsSession()
        client = session.client("stepfunctions")
        arn = client.create_state_machine(
            name=unused_tenant_id,
            definition=str(MACHINE).replace("'", '"'),
            roleArn="arn:aws:iam::123456789012:role/any",
        )["stateMachineArn"]
        for name, status in executions.items():
            execution = client.start_execution(stateMachineArn=arn, name=name, input=f'"{name}"')["executionArn"]
            if status == "ended":
                client.stop_execution(executionArn=execution)
        workflow = ContinuedWorkflow(session, arn)
        assert workflow.is_running("run") == is_running
        if executions.get("run") == "ended":
            assert workflow.start("run", {}) == is_running, "a run that was handed over is not started again"


def test_the_name_of_a_run_leaves_room_for_a_tenant_and_a_number() -> None:
    """An execution's name has 80 characters at most (StartExecution, Step Functions API reference)."""
    moments = [datetime(2026, 11, 21, 9, 0, 0, milli * 1000, tzinfo=UTC) for milli in (0, 1, 999)]
    runs = [new_run(lambda moment=moment: moment) for moment in (*moments, datetime(2100, 1, 1, tzinfo=UTC))]
    assert runs == sorted(runs)
    assert len(set(runs)) == len(runs)
    longest = "a" + "-a" * 30
    assert is_tenant_id(longest)
    assert all(len(f"{longest}-{run}-{999_999}") <= 80 for run in runs)
