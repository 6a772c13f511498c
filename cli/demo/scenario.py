"""The scenario of the demonstration: onboarding, ingestion, questions, isolation, replacement, deletion and usage."""

from collections.abc import Sequence
from contextlib import suppress

from cli.api import JsonObject
from cli.demo.checks import answer_errors, citation_errors, leak_errors, stale_fact_errors
from cli.demo.documents import (
    COMPANIES,
    FRIDGE_REPLACED,
    HANBIT,
    RETURN_QUESTION,
    RETURNS,
    RIDGELINE,
    WARRANTY_QUESTION,
    WARRANTY_QUESTION_AFTER,
    Company,
    DemoDocument,
    Question,
)
from cli.demo.report import Report
from cli.demo.tenant import DemoTenant, Ingestion
from cli.documents import request_deletion, wait_until_deleted
from cli.errors import ApiError, DeadlineError
from cli.metrics import TenantUsage, UsageMetrics, last_day
from cli.tenants import issue_key, wait_until_active
from cli.waiting import wait_for
from cli.workspace import Workspace

INGESTION_SECONDS = 180
METRICS_SECONDS = 180  # on AWS, a metric is readable after up to two minutes
CONFLICT = 409


class Scenario:
    """Runs the chapters against one stack and reports every claim.

    Every chapter may raise `CommandError` if the stack rejects a request that the scenario depends on.
    """

    def __init__(self, workspace: Workspace, report: Report) -> None:
        self._workspace = workspace
        self._report = report
        self._metrics = UsageMetrics(workspace.account.client("cloudwatch"))
        self._s3 = workspace.account.client("s3")
        self._bucket = workspace.stack.output("DocumentsBucketName")
        self._tenants: dict[str, DemoTenant] = {}

    def run(self) -> None:
        """Runs all chapters."""
        self.onboard()
        self.drop_documents()
        self.ask_questions()
        self.check_isolation()
        self.replace_document()
        self.delete_document()
        self.show_usage()

    def onboard(self) -> None:
        """Creates the tenants and issues a key for each."""
        self._report.begin("Two tenants are onboarded")
        operator = self._workspace.operator_api
        for company in COMPANIES:
            _create(self._workspace, company)
        for company in COMPANIES:
            record = wait_until_active(operator, company.tenant_id, self._workspace.clock)
            api_key = issue_key(operator, company.tenant_id)["api_key"]
            tenant = DemoTenant(company, self._workspace.api_with_key(api_key), self._read_usage(company.tenant_id))
            self._tenants[company.tenant_id] = tenant
            key_tenant = tenant.api.get("/me")["tenant_id"]
            errors = [] if key_tenant == company.tenant_id else [f"its key is {key_tenant}'s"]
            self._report.check(
                f"{company.name} is {record['status']} as {company.tenant_id}, and its key is valid", errors
            )

    def drop_documents(self) -> None:
        """Uploads the documents, most directly to S3 and one through the API, and waits for their processing."""
        self._report.begin("They upload their documents to S3")
        for tenant in self._tenants.values():
            for document in tenant.company.dropped:
                tenant.drop(self._s3, self._bucket, document)
            for document in tenant.company.posted:
                tenant.post(self._workspace.transport, document)
        self._wait_for_ingestion([(tenant, tenant.company.documents) for tenant in self._tenants.values()])

    def ask_questions(self) -> None:
        """Asks each tenant's questions and checks the facts and every citation."""
        self._report.begin("They ask questions")
        for tenant in self._tenants.values():
            for question in tenant.company.questions:
                self._ask(tenant, question)

    def check_isolation(self) -> None:
        """Asks each tenant a question that only the other's documents answer."""
        self._report.begin("No tenant finds the other's documents")
        hanbit, ridgeline = self._tenants[HANBIT.tenant_id], self._tenants[RIDGELINE.tenant_id]
        for owner, other in ((hanbit, ridgeline), (ridgeline, hanbit)):
            question = owner.company.secret
            answer, passages = other.ask(question), other.find(question)
            self._report.answer(other.company.tenant_id, question.text, answer)
            errors = leak_errors(answer, passages, question.fact, frozenset(owner.originals))
            claim = f"{other.company.tenant_id} finds nothing of {owner.company.tenant_id}'s documents"
            self._report.check(claim, errors)

    def replace_document(self) -> None:
        """Replaces a document and checks that answers use the new text only."""
        self._report.begin("A document is replaced")
        tenant = self._tenants[HANBIT.tenant_id]
        tenant.drop(self._s3, self._bucket, FRIDGE_REPLACED)
        self._wait_for_ingestion([(tenant, (FRIDGE_REPLACED,))])
        answer, passages = self._ask(tenant, WARRANTY_QUESTION_AFTER)
        errors = stale_fact_errors(answer, passages, WARRANTY_QUESTION.fact)
        self._report.check(f"{WARRANTY_QUESTION.fact} of the old text is no longer found", errors)

    def delete_document(self) -> None:
        """Deletes a document and checks that answers use it no longer, from the response on."""
        self._report.begin("A document is deleted")
        tenant = self._tenants[RIDGELINE.tenant_id]
        document_id = tenant.id_of(RETURNS.path)
        request_deletion(tenant.api, document_id)
        answer, passages = tenant.ask(RETURN_QUESTION), tenant.find(RETURN_QUESTION)
        self._report.answer(tenant.company.tenant_id, RETURN_QUESTION.text, answer)
        errors = stale_fact_errors(answer, passages, RETURN_QUESTION.fact)
        self._report.check(f"{RETURN_QUESTION.fact} is neither answered nor found", errors)
        wait_until_deleted(tenant.api, document_id, self._workspace.clock)
        listed = [document["document_id"] for document in tenant.api.pages("/documents", "documents")]
        errors = ["it is still listed"] if document_id in listed else []
        self._report.check(f"{RETURNS.path} is deleted", errors)

    def show_usage(self) -> None:
        """Reads the metrics until they agree with the usage that the API has reported."""
        self._report.begin("The usage, from the CloudWatch metrics")

        def poll() -> list[TenantUsage] | None:
            used = [self._read_usage(tenant_id) for tenant_id in self._tenants]
            complete = not any(
                tenant.reported.differences(tenant.before, usage)
                for tenant, usage in zip(self._tenants.values(), used, strict=True)
            )
            return used if complete else None

        try:
            used = wait_for(poll, seconds=METRICS_SECONDS, timeout_message="", clock=self._workspace.clock)
        except DeadlineError:  # the checks below report what is missing
            used = [self._read_usage(tenant_id) for tenant_id in self._tenants]
        self._report.tenant_usage(used)
        for tenant, usage in zip(self._tenants.values(), used, strict=True):
            claim = f"{tenant.company.tenant_id}'s metrics agree with the usage that the API has reported"
            self._report.check(claim, tenant.reported.differences(tenant.before, usage))

    def _ask(self, tenant: DemoTenant, question: Question) -> tuple[JsonObject, list[JsonObject]]:
        answer, passages = tenant.ask(question), tenant.find(question)
        self._report.answer(tenant.company.tenant_id, question.text, answer)
        errors = answer_errors(answer, question) + citation_errors(answer, passages, tenant.originals)
        self._report.check(f"{question.fact}, and every quote is in its document", errors)
        return answer, passages

    def _wait_for_ingestion(self, sent: Sequence[tuple[DemoTenant, Sequence[DemoDocument]]]) -> None:
        with self._report.tracker() as tracker:
            ingestions = [Ingestion(tenant, documents, tracker) for tenant, documents in sent]

            def poll() -> bool | None:
                finished = [ingestion.poll() for ingestion in ingestions]
                return True if all(finished) else None

            # Each document that is not ready by the deadline fails its check below.
            with suppress(DeadlineError):
                wait_for(poll, seconds=INGESTION_SECONDS, timeout_message="", clock=self._workspace.clock)
        for ingestion in ingestions:
            for document in ingestion.documents:
                errors = ingestion.errors(document.path)
                if not errors:
                    ingestion.tenant.record_ready(document, ingestion.states[document.path])
                self._report.check(
                    f"{ingestion.tenant.company.tenant_id}: {document.path} is ready for questions", errors
                )

    def _read_usage(self, tenant_id: str) -> TenantUsage:
        now = self._workspace.clock.now()
        start, end = last_day(now)
        return self._metrics.read(tenant_id, start, end, now)


def _create(workspace: Workspace, company: Company) -> None:
    try:
        body = {"tenant_id": company.tenant_id, "name": company.name, "tier": "basic"}
        workspace.operator_api.post("/admin/tenants", body)
    except ApiError as error:
        if error.status != CONFLICT:  # the tenant may exist since an earlier demonstration
            raise
