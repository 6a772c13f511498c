"""The only composition root: what a function needs, made once an environment and only when it is used."""

from datetime import UTC, datetime
from functools import cache

from onggi.adapters.audit import DynamoAuditTrail
from onggi.adapters.aws import AwsSession, TenantSessions
from onggi.adapters.bedrock import ConverseGenerator, ConverseRecogniser, TitanEmbedder
from onggi.adapters.directory import DynamoTenantDirectory
from onggi.adapters.export import S3TenantExport
from onggi.adapters.keys import DynamoKeyRing
from onggi.adapters.ledger import DynamoDocumentLedger
from onggi.adapters.lifecycle import DynamoTenantLifecycle
from onggi.adapters.metrics import EmbeddedMeter
from onggi.adapters.probe import AwsWallProbe
from onggi.adapters.remains import AwsTenantRemains
from onggi.adapters.s3 import S3ArtifactStore, S3DocumentStore
from onggi.adapters.s3vectors import S3VectorsIndex, S3VectorsProvisioner
from onggi.adapters.users import CognitoTenantUsers
from onggi.adapters.waiting import DynamoWaitingEvents
from onggi.adapters.workflows import StepFunctionsWorkflow
from onggi.domain.tenant import TenantContext
from onggi.ports import (
    AccessPorts,
    IndexProvisioner,
    KeyRing,
    Meter,
    TenantDirectory,
    TenantExport,
    TenantLifecycle,
    TenantPorts,
    TenantRemains,
    WaitingEvents,
    WallProbe,
    Workflow,
)
from onggi.settings import Settings
from onggi.steps.embed_chunks import EmbeddingModel
from onggi.steps.recognise_pages import RecognitionModel
from onggi.steps.tenants import Pool


@cache
def settings() -> Settings:
    """The function's configuration."""
    return Settings()


@cache
def _own_session() -> AwsSession:
    return AwsSession()


@cache
def _tenant_sessions() -> TenantSessions:
    return TenantSessions(_own_session(), settings().tenant_data_role_arn)


@cache
def _key_sessions() -> TenantSessions:
    return TenantSessions(_own_session(), settings().tenant_keys_role_arn)


@cache
def meter() -> Meter:
    """Publishes metrics."""
    return EmbeddedMeter()


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


def tenant_ports(tenant: TenantContext) -> TenantPorts:
    """Everything outside that work for this tenant may touch, under the tenant's own session.

    Raises:
        TransientError: when STS is not available.
    """
    session = _tenant_sessions().of(tenant)
    configuration = settings()
    return TenantPorts(
        documents=S3DocumentStore(session, tenant),
        artifacts=S3ArtifactStore(session, tenant),
        ledger=DynamoDocumentLedger(session, configuration.tenant_table, tenant),
        index=S3VectorsIndex(session, tenant),
        embedder=TitanEmbedder(session, configuration.embedding_model_id, configuration.embedding_dimensions),
        generator=ConverseGenerator(session),
        recogniser=ConverseRecogniser(session),
        meter=meter(),
        clock=now,
    )


@cache
def directory() -> TenantDirectory:
    """The control table, under the function's own role."""
    return DynamoTenantDirectory(_own_session(), settings().control_table, now)


def key_ring(tenant_id: str) -> KeyRing:
    """The keys that a tenant of this id would hold, under the function's own role: whoever asks is not verified yet."""
    return DynamoKeyRing(_own_session(), settings().control_table, tenant_id)


def access_ports(tenant_id: str) -> AccessPorts:
    """What an operator manages a tenant's keys with, under the function's own role."""
    return _access_ports(_own_session(), tenant_id)


def owned_access_ports(tenant: TenantContext) -> AccessPorts:
    """What a tenant's owner manages its keys with, under a session that reaches this tenant's keys and nothing else.

    Raises:
        TransientError: when STS is not available.
    """
    return _access_ports(_key_sessions().of(tenant), tenant.tenant_id)


def _access_ports(session: AwsSession, tenant_id: str) -> AccessPorts:
    table = settings().control_table
    return AccessPorts(
        keys=DynamoKeyRing(session, table, tenant_id), trail=DynamoAuditTrail(session, table, tenant_id), clock=now
    )


@cache
def lifecycle() -> TenantLifecycle:
    """Tenants on their way in and out, under the function's own role."""
    return DynamoTenantLifecycle(_own_session(), settings().control_table)


@cache
def onboarding() -> Workflow:
    """The workflow that takes tenants in."""
    return StepFunctionsWorkflow(_own_session(), settings().onboarding_state_machine_arn)


@cache
def resumption() -> Workflow:
    """The workflow that starts what has waited while a tenant was suspended."""
    return StepFunctionsWorkflow(_own_session(), settings().resumption_state_machine_arn)


@cache
def offboarding() -> Workflow:
    """The workflow that removes tenants."""
    return StepFunctionsWorkflow(_own_session(), settings().offboarding_state_machine_arn)


def tenant_export(tenant: TenantContext, run: str) -> TenantExport:
    """What a tenant takes along, under the tenant's own session.

    Raises:
        TransientError: when STS is not available.
    """
    return S3TenantExport(_tenant_sessions().of(tenant), settings().tenant_table, tenant, run)


@cache
def _offboarding_sessions() -> TenantSessions:
    return TenantSessions(_own_session(), settings().offboarding_role_arn)


def tenant_remains(tenant: TenantContext) -> TenantRemains:
    """Everything of a tenant that is to be removed, under a session that may remove this tenant's only.

    Raises:
        TransientError: when STS is not available.
    """
    configuration = settings()
    session = _offboarding_sessions().of(tenant)
    users = CognitoTenantUsers(_own_session(), configuration.user_pool_id, tenant)
    return AwsTenantRemains(session, configuration.tenant_table, configuration.control_table, tenant, users)


@cache
def ingestion() -> StepFunctionsWorkflow:
    """The way of a document."""
    return StepFunctionsWorkflow(_own_session(), settings().ingestion_state_machine_arn)


@cache
def waiting_events() -> WaitingEvents:
    """Events of tenants that are not active, under the function's own role."""
    return DynamoWaitingEvents(_own_session(), settings().control_table)


def wall_probe(tenant: TenantContext) -> WallProbe:
    """Tries the tenant's own session.

    Raises:
        TransientError: when STS is not available.
    """
    configuration = settings()
    session = _tenant_sessions().of(tenant)
    return AwsWallProbe(session, configuration.tenant_table, tenant, configuration.embedding_dimensions)


@cache
def provisioner() -> IndexProvisioner:
    """Makes the indexes of new tenants, under the function's own role."""
    return S3VectorsProvisioner(_own_session(), settings().embedding_dimensions)


def pool() -> Pool:
    """Where new basic tenants are placed."""
    configuration = settings()
    return Pool(configuration.documents_bucket, configuration.artifacts_bucket)


def embedding_model() -> EmbeddingModel:
    """The embedding model of this installation."""
    configuration = settings()
    model_id = configuration.embedding_model_id
    return EmbeddingModel(model_id, configuration.embedding_dimensions, configuration.model_prices[model_id])


def recognition_model() -> RecognitionModel:
    """The model that reads pictures of pages: the one that answers, which sees as well as it reads."""
    configuration = settings()
    model_id = configuration.generation_model_id
    return RecognitionModel(model_id, configuration.model_prices[model_id])
