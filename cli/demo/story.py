"""The story of the demonstration, chapter by chapter."""

from collections.abc import Sequence
from contextlib import suppress

from cli.api import JsonObject
from cli.demo.checks import wrong_with_answer, wrong_with_citations, wrong_with_forgotten, wrong_with_strangers_answer
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
from cli.demo.jar import Arrival, Jar
from cli.demo.report import Report
from cli.documents import request_deletion, wait_until_deleted
from cli.errors import ApiError, DeadlineError
from cli.metrics import TenantUsage, UsageMetrics, last_day
from cli.tenants import issue_key, wait_until_active
from cli.waiting import wait_for
from cli.workspace import Workspace

INGESTION_SECONDS = 180
METRICS_SECONDS = 180  # on AWS, CloudWatch shows a metric up to two minutes later
CONFLICT = 409


class Story:
    """Runs the chapters against one stack and reports every claim.

    Every chapter may raise `CommandError` where the stack refuses what the story cannot go on without.
    """

    def __init__(self, workspace: Workspace, report: Report) -> None:
        self._workspace = workspace
        self._report = report
        self._metrics = UsageMetrics(workspace.account.client("cloudwatch"))
        self._s3 = workspace.account.client("s3")
        self._bucket = workspace.stack.output("DocumentsBucketName")
        self._jars: dict[str, Jar] = {}

    def tell(self) -> None:
        """Tells the whole story."""
        self.onboard()
        self.drop_documents()
        self.ask_questions()
        self.ask_the_other()
        self.replace_document()
        self.delete_document()
        self.show_usage()

    def onboard(self) -> None:
        """Creates the tenants and issues a key for each."""
        self._report.begin("Two companies move in")
        operator = self._workspace.operator_api
        for company in COMPANIES:
            _create(self._workspace, company)
        for company in COMPANIES:
            tenant = wait_until_active(operator, company.tenant_id, self._workspace.clock)
            api_key = issue_key(operator, company.tenant_id)["api_key"]
            jar = Jar(company, self._workspace.api_with_key(api_key), self._read_usage(company.tenant_id))
            self._jars[company.tenant_id] = jar
            holder = jar.api.get("/me")["tenant_id"]
            wrong = [] if holder == company.tenant_id else [f"its key is {holder}'s"]
            self._report.check(
                f"{company.name} is {tenant['status']} as {company.tenant_id}, and its key opens it", wrong
            )

    def drop_documents(self) -> None:
        """Puts the documents into S3, one through the API, and watches the workflow take them in."""
        self._report.begin("They drop their documents into S3")
        for jar in self._jars.values():
            for document in jar.company.dropped:
                jar.drop(self._s3, self._bucket, document)
            for document in jar.company.posted:
                jar.post(self._workspace.transport, document)
        self._await_arrival([(jar, jar.company.documents) for jar in self._jars.values()])

    def ask_questions(self) -> None:
        """Asks each tenant its questions and checks the facts and every citation."""
        self._report.begin("They ask questions")
        for jar in self._jars.values():
            for question in jar.company.questions:
                self._ask(jar, question)

    def ask_the_other(self) -> None:
        """Asks each tenant what only the other can know."""
        self._report.begin("Nothing seeps from jar to jar")
        hanbit, ridgeline = self._jars[HANBIT.tenant_id], self._jars[RIDGELINE.tenant_id]
        for owner, stranger in ((hanbit, ridgeline), (ridgeline, hanbit)):
            question = owner.company.secret
            answer, passages = stranger.ask(question), stranger.find(question)
            self._report.answer(stranger.company.tenant_id, question.text, answer)
            wrong = wrong_with_strangers_answer(answer, passages, question.fact, frozenset(owner.originals))
            claim = f"{stranger.company.tenant_id} finds nothing of {owner.company.tenant_id}'s documents"
            self._report.check(claim, wrong)

    def replace_document(self) -> None:
        """Overwrites a document and checks that the new text answers and the old does not."""
        self._report.begin("A document is replaced")
        jar = self._jars[HANBIT.tenant_id]
        jar.drop(self._s3, self._bucket, FRIDGE_REPLACED)
        self._await_arrival([(jar, (FRIDGE_REPLACED,))])
        answer, passages = self._ask(jar, WARRANTY_QUESTION_AFTER)
        wrong = wrong_with_forgotten(answer, passages, WARRANTY_QUESTION.fact)
        self._report.check(f"{WARRANTY_QUESTION.fact}, which the old text said, is gone", wrong)

    def delete_document(self) -> None:
        """Deletes a document and checks that it does not answer from that moment on."""
        self._report.begin("A document is deleted")
        jar = self._jars[RIDGELINE.tenant_id]
        document_id = jar.id_of(RETURNS.path)
        request_deletion(jar.api, document_id)
        answer, passages = jar.ask(RETURN_QUESTION), jar.find(RETURN_QUESTION)
        self._report.answer(jar.company.tenant_id, RETURN_QUESTION.text, answer)
        wrong = wrong_with_forgotten(answer, passages, RETURN_QUESTION.fact)
        self._report.check(f"{RETURN_QUESTION.fact}, which it said, is neither answered nor found", wrong)
        wait_until_deleted(jar.api, document_id, self._workspace.clock)
        listed = [document["document_id"] for document in jar.api.pages("/documents", "documents")]
        still = ["it is still listed"] if document_id in listed else []
        self._report.check(f"{RETURNS.path} is removed", still)

    def show_usage(self) -> None:
        """Reads the metrics back until they come to what the API's answers said."""
        self._report.begin("What it took, from the CloudWatch metrics")

        def look() -> list[TenantUsage] | None:
            used = [self._read_usage(tenant_id) for tenant_id in self._jars]
            complete = not any(
                jar.spent.wrong_with(jar.before, usage) for jar, usage in zip(self._jars.values(), used, strict=True)
            )
            return used if complete else None

        try:
            used = wait_for(look, seconds=METRICS_SECONDS, late="", clock=self._workspace.clock)
        except DeadlineError:  # the checks below say what is missing
            used = [self._read_usage(tenant_id) for tenant_id in self._jars]
        self._report.tenant_usage(used)
        for jar, usage in zip(self._jars.values(), used, strict=True):
            claim = f"{jar.company.tenant_id}'s metrics come to what the API's answers said"
            self._report.check(claim, jar.spent.wrong_with(jar.before, usage))

    def _ask(self, jar: Jar, question: Question) -> tuple[JsonObject, list[JsonObject]]:
        answer, passages = jar.ask(question), jar.find(question)
        self._report.answer(jar.company.tenant_id, question.text, answer)
        wrong = wrong_with_answer(answer, question) + wrong_with_citations(answer, passages, jar.originals)
        self._report.check(f"{question.fact}, and every quote stands in its document", wrong)
        return answer, passages

    def _await_arrival(self, sent: Sequence[tuple[Jar, Sequence[DemoDocument]]]) -> None:
        with self._report.tracker() as tracker:
            arrivals = [Arrival(jar, documents, tracker) for jar, documents in sent]

            def look() -> bool | None:
                arrived = [arrival.look() for arrival in arrivals]
                return True if all(arrived) else None

            # Whatever has not arrived by the deadline says so below, each for itself.
            with suppress(DeadlineError):
                wait_for(look, seconds=INGESTION_SECONDS, late="", clock=self._workspace.clock)
        for arrival in arrivals:
            for document in arrival.documents:
                wrong = arrival.wrong_with(document.path)
                if not wrong:
                    arrival.jar.settle(document, arrival.states[document.path])
                self._report.check(f"{arrival.jar.company.tenant_id}: {document.path} answers questions", wrong)

    def _read_usage(self, tenant_id: str) -> TenantUsage:
        now = self._workspace.clock.now()
        start, end = last_day(now)
        return self._metrics.read(tenant_id, start, end, now)


def _create(workspace: Workspace, company: Company) -> None:
    try:
        body = {"tenant_id": company.tenant_id, "name": company.name, "tier": "basic"}
        workspace.operator_api.post("/admin/tenants", body)
    except ApiError as refusal:
        if refusal.status != CONFLICT:  # the company may live here since an earlier demonstration
            raise
