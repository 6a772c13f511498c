"""The only composition root: what a function needs, made once an environment and only when it is used."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Final

from onggi.adapters.audit import S3AuditTrail
from onggi.adapters.aws import AwsSession, TenantSessions
from onggi.adapters.bedrock import ConverseGenerator, ConverseRecogniser, TitanEmbedder
from onggi.adapters.deferred_events import DynamoDeferredEvents
from onggi.adapters.directory import DynamoTenantDirectory
from onggi.adapters.export import S3TenantExport
from onggi.adapters.grants import KmsReadingGrants, granted_session
from onggi.adapters.keys import DynamoKeyRing
from onggi.adapters.ledger import DynamoDocumentLedger
from onggi.adapters.lifecycle import DynamoTenantLifecycle
from onggi.adapters.metrics import EmbeddedMeter
from onggi.adapters.model_calls import ModelCalls, PatientCalls, TimedCalls
from onggi.adapters.moving import S3MovingObjects
from onggi.adapters.probe import AwsIsolationProbe
from onggi.adapters.progress import DynamoProgressStore
from onggi.adapters.purger import AwsTenantPurger, PurgedLocations
from onggi.adapters.s3 import S3ArtifactStore, S3DocumentStore
from onggi.adapters.s3vectors import S3VectorsIndex
from onggi.adapters.stacks import CloudFormationTenantStacks
from onggi.adapters.users import CognitoTenantUsers
from onggi.adapters.workflows import ContinuedWorkflow, StepFunctionsWorkflow
from onggi.domain.document import DocumentVersion
from onggi.domain.errors import Conflict
from onggi.domain.runs import BEFORE_SWITCH
from onggi.domain.tenant import Placement, TenantContext, TenantRecord
from onggi.ports.access import KeyRing
from onggi.ports.bundles import AccessPorts, ControlPorts, TenantPorts
from onggi.ports.metering import Meter
from onggi.ports.reading import ReadingGrants
from onggi.ports.retrieval import ManagedVectorIndex
from onggi.ports.tenant_data import MovingObjects, TenantExport, TenantPurger
from onggi.ports.tenants import DeferredEvents, IsolationProbe, TenantDirectory, TenantLifecycle, TenantStacks
from onggi.ports.workflows import Workflow
from onggi.settings import Settings
from onggi.steps.ingestion.embed_chunks import EmbeddingModel
from onggi.steps.ingestion.recognise_pages import RecognitionModel
from onggi.steps.tenancy.move_tenant import GracePeriods
from onggi.steps.tenancy.tenants import Places, Pool, Silo


class Application:
    """Everything outside that functions use; each part is made when it is first used, once an environment."""

    @cached_property
    def settings(self) -> Settings:
        """The function's configuration."""
        return Settings()

    @cached_property
    def _own_session(self) -> AwsSession:
        return AwsSession()

    @cached_property
    def _tenant_sessions(self) -> TenantSessions:
        return TenantSessions(self._own_session, self.settings.tenant_data_role_arn)

    @cached_property
    def _key_sessions(self) -> TenantSessions:
        return TenantSessions(self._own_session, self.settings.tenant_keys_role_arn)

    @cached_property
    def meter(self) -> Meter:
        """Publishes metrics."""
        return EmbeddedMeter()

    @staticmethod
    def now() -> datetime:
        """The present time in UTC."""
        return datetime.now(UTC)

    def tenant_ports(self, tenant: TenantContext, seconds_left: Callable[[], float] | None = None) -> TenantPorts:
        """The ports of a tenant, under the tenant's own session.

        Args:
            tenant: whose work it is.
            seconds_left: returns the seconds that models may take; None where they may take as long as they need.

        Raises:
            TransientError: when STS is not available.
        """
        session = self._tenant_sessions.of(tenant)
        calls = TimedCalls(session, seconds_left) if seconds_left else PatientCalls(session)
        return self._ports_of(session, calls, tenant)

    def granted_ports(
        self, tenant: TenantContext, document: DocumentVersion, grant: Sequence[str], seconds: float
    ) -> TenantPorts:
        """The same ports under the session of a grant, which reaches what reading this document takes and nothing else.

        Args:
            tenant: whose document it is.
            document: the version that is to be read.
            grant: the parts that GrantReading has issued.
            seconds: how long the session is needed.

        Raises:
            GrantExpired: when the grant does not last that long.
            TenantMismatch: when the grant is one for another document.
            TransientError: when KMS is not available.
        """
        session = granted_session(self._own_session, self.settings.reading_key, tenant, document, grant, seconds)
        return self._ports_of(session, PatientCalls(session), tenant)

    @cached_property
    def reading_grants(self) -> ReadingGrants:
        """Issues grants to read documents, under the function's own role."""
        configuration = self.settings
        return KmsReadingGrants(
            self._own_session, configuration.tenant_data_role_arn, configuration.reading_key, configuration.tenant_table
        )

    def _ports_of(self, session: AwsSession, calls: ModelCalls, tenant: TenantContext) -> TenantPorts:
        configuration = self.settings
        embedding = self.embedding_model(tenant.placement)
        return TenantPorts(
            documents=S3DocumentStore(session, tenant),
            artifacts=S3ArtifactStore(session, tenant, configuration.artifacts_bucket),
            ledger=DynamoDocumentLedger(session, configuration.tenant_table, tenant),
            progress=DynamoProgressStore(session, configuration.tenant_table, tenant, self.now),
            index=self._index(session, tenant.placement),
            embedder=TitanEmbedder(calls, embedding.model_id, embedding.dimensions),
            generator=ConverseGenerator(calls, configuration.models),
            recogniser=ConverseRecogniser(calls, configuration.models),
            meter=self.meter,
            clock=self.now,
        )

    @cached_property
    def directory(self) -> TenantDirectory:
        """The control table, under the function's own role."""
        return DynamoTenantDirectory(self._own_session, self.settings.control_table, self.now)

    def key_ring(self, tenant_id: str) -> KeyRing:
        """The keys of the tenant that an unverified caller claims to be, under the function's own role."""
        return DynamoKeyRing(self._own_session, self.settings.control_table, tenant_id)

    def access_ports(self, tenant_id: str) -> AccessPorts:
        """What an operator manages a tenant's keys with, under the function's own role."""
        return self._access_ports(self._own_session, tenant_id)

    def owned_access_ports(self, tenant: TenantContext) -> AccessPorts:
        """What a tenant's owner manages keys with, under a session that reaches this tenant's keys and nothing else.

        Raises:
            TransientError: when STS is not available.
        """
        return self._access_ports(self._key_sessions.of(tenant), tenant.tenant_id)

    def _access_ports(self, session: AwsSession, tenant_id: str) -> AccessPorts:
        table = self.settings.control_table
        trail = S3AuditTrail(session, self.settings.audit_bucket, table, tenant_id)
        return AccessPorts(keys=DynamoKeyRing(session, table, tenant_id), trail=trail, clock=self.now)

    @cached_property
    def lifecycle(self) -> TenantLifecycle:
        """The records of tenants, under the function's own role."""
        return DynamoTenantLifecycle(self._own_session, self.settings.control_table)

    @cached_property
    def onboarding(self) -> Workflow:
        """The workflow that onboards tenants."""
        return ContinuedWorkflow(self._own_session, self.settings.onboarding_state_machine_arn)

    @cached_property
    def resumption(self) -> Workflow:
        """The workflow that processes the deferred events of a tenant that is active again."""
        return ContinuedWorkflow(self._own_session, self.settings.resumption_state_machine_arn)

    @cached_property
    def offboarding(self) -> Workflow:
        """The workflow that removes tenants."""
        return ContinuedWorkflow(self._own_session, self.settings.offboarding_state_machine_arn)

    @property
    def control(self) -> ControlPorts:
        """What operators' requests about tenants touch, under the function's own role."""
        return ControlPorts(
            directory=self.directory,
            lifecycle=self.lifecycle,
            onboarding=self.onboarding,
            resumption=self.resumption,
            relocation=self.relocation,
            offboarding=self.offboarding,
            clock=self.now,
        )

    def tenant_export(self, tenant: TenantContext, run: str) -> TenantExport:
        """The export of a tenant's data, under the tenant's own session.

        Raises:
            TransientError: when STS is not available.
        """
        configuration = self.settings
        session = self._tenant_sessions.of(tenant)
        index = S3VectorsIndex(session, tenant.placement)
        return S3TenantExport(session, configuration.tenant_table, tenant, index, configuration.artifacts_bucket, run)

    @cached_property
    def _offboarding_sessions(self) -> TenantSessions:
        return TenantSessions(self._own_session, self.settings.offboarding_role_arn)

    def tenant_purger(self, record: TenantRecord) -> TenantPurger:
        """Purges everything of a tenant, under a session that may remove this tenant's data only.

        Raises:
            TransientError: when STS is not available.
        """
        configuration = self.settings
        places = PurgedLocations.of_tenant(
            record, configuration.artifacts_bucket, configuration.tenant_table, configuration.control_table
        )
        users = CognitoTenantUsers(self._own_session, configuration.user_pool_id, record.context)
        session = self._offboarding_sessions.of(record.context)
        return AwsTenantPurger(session, self._own_session, places, partial(S3VectorsIndex, session), users, record.run)

    def vacated_placement(self, record: TenantRecord) -> TenantPurger:
        """Purges the placement that a tenant in a move does not use, under the same session.

        Raises:
            Conflict: when the tenant is not being moved.
            TransientError: when STS is not available.
        """
        if record.move is None:
            raise Conflict("The tenant is not being moved.")
        places = PurgedLocations.of_placements(record.context, record.move.other)
        session, run = self._offboarding_sessions.of(record.context), record.move.run
        return AwsTenantPurger(session, self._own_session, places, partial(S3VectorsIndex, session), None, run)

    def moving_objects(self, record: TenantRecord) -> MovingObjects:
        """A moved tenant's objects, from its placement to the other one, or back after the switch.

        Raises:
            Conflict: when the tenant is not being moved.
            TransientError: when STS is not available.
        """
        if record.move is None:
            raise Conflict("The tenant is not being moved.")
        places = (record.context.placement, record.move.other)
        source, target = places if record.move.stage in BEFORE_SWITCH else reversed(places)
        return S3MovingObjects(self._tenant_sessions.of(record.context), record.context, source, target)

    @cached_property
    def grace_periods(self) -> GracePeriods:
        """How long the move of a tenant waits for others."""
        configuration = self.settings
        return GracePeriods(configuration.authorization_cache_seconds, configuration.removal_grace_seconds)

    @cached_property
    def relocation(self) -> Workflow:
        """The workflow that moves tenants."""
        return ContinuedWorkflow(self._own_session, self.settings.relocation_state_machine_arn)

    def tenant_stacks(self, template: str) -> TenantStacks:
        """Creates the stacks of premium tenants, under the function's own role."""
        configuration = self.settings
        parameters = {
            "RetentionDays": configuration.retention_days,
            "AllowedOrigin": configuration.allowed_origin,
        }
        return CloudFormationTenantStacks(self._own_session, template, configuration.silo_role_arn, parameters)

    @cached_property
    def ingestion(self) -> StepFunctionsWorkflow:
        """The ingestion workflow."""
        return StepFunctionsWorkflow(self._own_session, self.settings.ingestion_state_machine_arn)

    @cached_property
    def deferred_events(self) -> DeferredEvents:
        """Events of tenants that are not active, under the function's own role."""
        return DynamoDeferredEvents(self._own_session, self.settings.control_table)

    def isolation_probe(self, tenant: TenantContext) -> IsolationProbe:
        """Tests the tenant's own session.

        Raises:
            TransientError: when STS is not available.
        """
        configuration = self.settings
        session = self._tenant_sessions.of(tenant)
        shared = (configuration.documents_bucket, configuration.artifacts_bucket)
        return AwsIsolationProbe(session, configuration.tenant_table, tenant, partial(self._index, session), shared)

    def _index(self, session: AwsSession, placement: Placement) -> ManagedVectorIndex:
        configuration = self.settings
        known = placement.recorded(configuration.embedding_model_id, configuration.embedding_dimensions)
        return S3VectorsIndex(session, known)

    def create_index(self, placement: Placement) -> None:
        """Creates the vector index of a placement where it does not exist, under the function's own role."""
        self._index(self._own_session, placement).create()

    @cached_property
    def places(self) -> Places:
        """Where tenants are placed."""
        configuration = self.settings
        pool = Pool(configuration.documents_bucket, configuration.artifacts_bucket)
        model, dimensions = configuration.embedding_model_id, configuration.embedding_dimensions
        return Places(pool, Silo(configuration.silo_prefix), model, dimensions)

    def embedding_model(self, placement: Placement) -> EmbeddingModel:
        """The embedding model of the index at a place.

        An earlier model of the stack whose price is not in the table of models is charged at the present one's price.
        """
        configuration = self.settings
        present, models = configuration.embedding_model_id, configuration.models
        known = placement.recorded(present, configuration.embedding_dimensions)
        model = models.get(known.embedding_model, models[present])
        return EmbeddingModel(known.embedding_model, known.embedding_dimensions, model.price)

    @cached_property
    def recognition_model(self) -> RecognitionModel:
        """The model that reads pictures of pages: the one that answers, which sees as well as it reads."""
        configuration = self.settings
        model_id = configuration.generation_model_id
        return RecognitionModel(model_id, configuration.models[model_id].price)


application: Final = Application()
"""The parts of this environment; tests replace them here."""
