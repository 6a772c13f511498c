"""Sessions, clients and the translation of what the SDK raises; shared by the adapters."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import botocore.session
from botocore.config import Config
from botocore.configprovider import ConfiguredEndpointProvider
from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotocoreConnectionError

from onggi.domain.errors import TransientError
from onggi.domain.tenant import TenantContext

SESSION_SECONDS: Final = 3600
"""The longest session of a role that is assumed by another role (IAM user guide, role chaining)."""
RENEW_BEFORE_SECONDS: Final = 1200
"""A session lends its remaining life to the uploads it signs, which stay valid for 900 seconds."""
CACHED_SESSIONS: Final = 64

TRANSIENT_CODES: Final = frozenset(
    {
        "ConditionalRequestConflict",  # of a conditional PutObject that met another one (S3 user guide)
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "InternalServerException",
        "LimitExceededException",
        "ModelErrorException",
        "ModelNotReadyException",
        "ModelTimeoutException",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingErrorException",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
        "TransactionInProgressException",
    }
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long each attempt of a call waits, and how many attempts there are.

    Attributes:
        connect_seconds: until there is a connection.
        read_seconds: until an answer arrives.
        attempts: all of them, the first included.
    """

    connect_seconds: int
    read_seconds: int
    attempts: int

    def config(self) -> Config:
        """The same as botocore's clients take it."""
        return Config(
            retries={"mode": "standard", "total_max_attempts": self.attempts},
            connect_timeout=self.connect_seconds,
            read_timeout=self.read_seconds,
            max_pool_connections=16,
        )


PATIENT: Final = Patience(connect_seconds=3, read_seconds=60, attempts=5)
"""For work that has minutes: a model may take a minute to answer, and retries of the workflow come after these."""
IMPATIENT: Final = Patience(connect_seconds=1, read_seconds=2, attempts=2)
"""For what may fail: it takes 7 seconds at most, of which up to one is the pause between two attempts."""

S3_CONFIG: Final = Config(signature_version="s3v4")
"""Uploads are signed by version 4, which encrypted buckets and all regions accept."""
REGIONAL_S3_CONFIG: Final = S3_CONFIG.merge(
    Config(s3={"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"})
)
"""Links are signed for `<bucket>.s3.<region>.amazonaws.com`.

Without an addressing style botocore signs them for the global host. That one redirects requests for a new bucket for up
to a day and answers 400 in regions that are newer than March 2019 (S3 user guide, "Virtual hosting of buckets"). A
link cannot follow a redirect, since its host is signed.
"""


def error_code(error: ClientError) -> str:
    """The service's code of an error, such as `ThrottlingException`."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _cancellation_codes(error: ClientError) -> set[str]:
    """Why DynamoDB has cancelled a transaction, in the terms of exceptions: a conflict with another is no fault."""
    reasons: list[dict[str, Any]] = error.response.get("CancellationReasons", [])  # type: ignore[assignment]  # the SDK types it loosely
    return {f"{reason.get('Code')}Exception" for reason in reasons}


@contextmanager
def translated(service: str) -> Iterator[None]:
    """Turns the SDK's transient faults into TransientError; others pass, to be translated where they are expected.

    Raises:
        TransientError: when the service is throttling, down, slow or out of reach.
    """
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        codes = {error_code(error), *_cancellation_codes(error)}
        if codes & TRANSIENT_CODES or status >= 500:  # noqa: PLR2004 - HTTP's server errors
            raise TransientError(f"{service} is not available at the moment; try again.") from error
        raise
    except (HTTPClientError, BotocoreConnectionError, IncompleteReadError) as error:
        raise TransientError(f"{service} cannot be reached at the moment; try again.") from error


class AwsSession:
    """Makes clients of one identity, each once. Loading service models is shared between all sessions."""

    _loader: Any = None

    def __init__(self, credentials: dict[str, str] | None = None) -> None:
        self._session = botocore.session.Session()
        if AwsSession._loader is None:
            AwsSession._loader = self._session.get_component("data_loader")
        self._session.register_component("data_loader", AwsSession._loader)
        if credentials:
            self._session.set_credentials(
                credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"]
            )
        self._clients: dict[tuple[str, Patience], Any] = {}
        self._making = threading.Lock()

    def client(self, service: str, patience: Patience = PATIENT) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        """The client of a service, such as `s3`; each patience has its own, of a few milliseconds and kilobytes."""
        with self._making:  # a session must not make clients in several threads at once; clients serve them all
            if (service, patience) not in self._clients:
                config = self._config(service, patience)
                self._clients[service, patience] = self._session.create_client(service, config=config)
            return self._clients[service, patience]

    def _config(self, service: str, patience: Patience) -> Config:
        config = patience.config()
        if service != "s3":
            return config
        return config.merge(S3_CONFIG if self._has_endpoint(service) else REGIONAL_S3_CONFIG)

    def _has_endpoint(self, service: str) -> bool:
        """Whether the environment or a profile names an endpoint for a service; a bucket then stays in the path."""
        configured = ConfiguredEndpointProvider(
            full_config=self._session.full_config,
            scoped_config=self._session.get_scoped_config(),
            client_name=service,
        )
        return configured.provide() is not None


def assume_for(own: AwsSession, role_arn: str, tenant: TenantContext, policy: str | None = None) -> dict[str, Any]:
    """Assumes a role for a tenant; returns the credentials as STS has them, valid for an hour.

    Args:
        own: the session that assumes the role.
        role_arn: a role whose rights are bound to the session tag `TenantId`.
        tenant: the value of that tag.
        policy: narrows the session: it may do what both this policy and the role's allow.

    Raises:
        TransientError: when STS is not available.
    """
    narrowed = {"Policy": policy} if policy else {}
    with translated("STS"):
        response = own.client("sts").assume_role(
            RoleArn=role_arn,
            RoleSessionName=tenant.tenant_id,
            DurationSeconds=SESSION_SECONDS,
            Tags=[{"Key": "TenantId", "Value": tenant.tenant_id}],
            **narrowed,
        )
    credentials: dict[str, Any] = response["Credentials"]
    return credentials


class TenantSessions:
    """Sessions of the tenant data role, tagged with the tenant: IAM lets them reach that tenant's data and no other's.

    At most one STS call a tenant until its session comes near its end.
    """

    def __init__(self, own: AwsSession, role_arn: str, clock: Callable[[], float] = time.time) -> None:
        self._own = own
        self._role_arn = role_arn
        self._clock = clock
        self._sessions: OrderedDict[str, tuple[float, AwsSession]] = OrderedDict()

    def of(self, tenant: TenantContext) -> AwsSession:
        """The tenant's session.

        Raises:
            TransientError: when STS is not available.
        """
        expires_at, session = self._sessions.get(tenant.tenant_id, (0.0, None))
        if session is None or self._clock() >= expires_at - RENEW_BEFORE_SECONDS:
            expires_at, session = self._assume(tenant)
            self._sessions[tenant.tenant_id] = (expires_at, session)
        self._sessions.move_to_end(tenant.tenant_id)
        while len(self._sessions) > CACHED_SESSIONS:
            self._sessions.popitem(last=False)
        return session

    def _assume(self, tenant: TenantContext) -> tuple[float, AwsSession]:
        credentials = assume_for(self._own, self._role_arn, tenant)
        return credentials["Expiration"].timestamp(), AwsSession(credentials)
