"""The application in this process, on a local cloud, with its own checks or without them."""

import importlib.util
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

from onggi.adapters.aws import AwsSession, TenantSessions
from onggi.adapters.directory import DynamoTenantDirectory
from onggi.adapters.grants import KmsReadingGrants, granted_session
from onggi.adapters.model_calls import PatientCalls
from onggi.adapters.s3 import S3DocumentStore
from onggi.bootstrap import application
from onggi.domain.document import DocumentVersion
from onggi.domain.tenant import Placement, TenantContext
from onggi.domain.upload import ObjectEvent
from onggi.entry import http
from onggi.ports.bundles import TenantPorts
from onggi.ports.tenants import TenantDirectory
from onggi.settings import Settings
from onggi.steps.ingestion import record_failure, record_interruption, register_document
from tests.application_parts import replace_parts
from tests.integration.local_cloud import REGION
from tests.integration.product import Json, Product
from tests.isolation.clients import role_of
from tests.isolation.seeded_tenants import SeededTenant

FUNCTIONS: Final = Path(__file__).parents[2] / "functions"
ROLE: Final = "RecordFailure"
"""The function with the broadest role of those that work for tenants."""
READER: Final = "ExtractText"
GRANTOR: Final = "GrantReading"


class Context:
    """A Lambda context."""

    aws_request_id = "isolation"

    def get_remaining_time_in_millis(self) -> int:
        return 170_000


class Harness:
    """The application under the role of a deployed function."""

    def __init__(self, product: Product, *, with_checks: bool) -> None:
        self._product = product
        self._with_checks = with_checks

    @cached_property
    def _configuration(self) -> Json:
        function = self._product.resources[ROLE]
        found: Json = self._product.root("lambda").get_function_configuration(FunctionName=function)
        return found

    @cached_property
    def _session(self) -> AwsSession:
        assumed = self._product.root("sts").assume_role(RoleArn=self._configuration["Role"], RoleSessionName="harness")
        return AwsSession(assumed["Credentials"])

    @cached_property
    def _settings(self) -> Settings:
        return Settings(self._variables("Query") | self._variables(READER) | self._variables(ROLE))

    def _variables(self, function: str) -> Json:
        resource = self._product.resources[function]
        found = self._product.root("lambda").get_function_configuration(FunctionName=resource)
        variables: Json = found["Environment"]["Variables"]
        return variables

    def _own_session(self, function: str) -> AwsSession:
        return AwsSession(role_of(self._product, function).credentials)

    @cached_property
    def _reader(self) -> AwsSession:
        return self._own_session(READER)

    @cached_property
    def _grants(self) -> KmsReadingGrants:
        settings = self._settings
        own, role = self._own_session(GRANTOR), settings.tenant_data_role_arn
        return KmsReadingGrants(own, role, settings.reading_key, settings.tenant_table)

    @cached_property
    def _sessions(self) -> TenantSessions:
        return TenantSessions(self._session, self._settings.tenant_data_role_arn)

    @cached_property
    def _directory(self) -> DynamoTenantDirectory:
        return DynamoTenantDirectory(self._session, self._settings.control_table, application.now)

    def run[T](self, work: Callable[[TenantPorts], T], own: SeededTenant, target: SeededTenant) -> T:
        """Runs `work` with the ports of the attacking tenant."""
        with self._patched_application(own, target):
            return work(application.tenant_ports(unchecked_context(own.context)))

    def call(self, function: str, event: Json, own: SeededTenant, target: SeededTenant) -> Any:
        """Calls a function's handler, which raises errors instead of returning problem documents."""
        with self._patched_application(own, target):
            return handler(function)(event, Context())

    @contextmanager
    def _patched_application(self, own: SeededTenant, target: SeededTenant) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("AWS_ENDPOINT_URL", self._product.cloud.endpoint)
            patched.setenv("AWS_DEFAULT_REGION", REGION)
            replace_parts(
                patched,
                settings=self._settings,
                _tenant_sessions=self._sessions,
                _own_session=self._reader,
                reading_grants=self._grants,
                directory=self._directory,
            )
            patched.setattr(http, "problem", _raise)
            if not self._with_checks:
                self._remove_checks(patched, own, target)
            yield

    def _remove_checks(self, patched: pytest.MonkeyPatch, own: SeededTenant, target: SeededTenant) -> None:
        """Removes all checks and binds the ports to the target; the session remains the attacker's."""
        attacker, attacked = unchecked_context(own.context), unchecked_context(target.context)
        bound_ports = application.tenant_ports

        def session_of_attacker(_: TenantContext) -> AwsSession:
            return self._sessions.of(attacker)

        class Sessions:
            of = staticmethod(session_of_attacker)

        def resolve_to_attacker(event: ObjectEvent, _: TenantDirectory) -> tuple[TenantContext, ObjectEvent]:
            return attacker, event

        replace_parts(patched, _tenant_sessions=Sessions(), tenant_ports=lambda _, *more: bound_ports(attacked, *more))

        def ports_under_own_grant(*_: object) -> TenantPorts:
            document = DocumentVersion(**own.registered_document)
            session = granted_session(
                self._reader, self._settings.reading_key, attacker, document, own.state["grant"]["parts"], 0
            )
            return application._ports_of(session, PatientCalls(session), attacked)

        replace_parts(patched, granted_ports=ports_under_own_grant)
        patched.setattr(TenantContext, "from_dict", staticmethod(unchecked_context))
        patched.setattr(TenantContext, "for_document", staticmethod(lambda data, _: unchecked_context(data)))
        patched.setattr(DocumentVersion, "from_dict", staticmethod(lambda _, data: DocumentVersion(**data)))
        patched.setattr(S3DocumentStore, "_at", lambda store, key: {"Bucket": store._bucket, "Key": key})
        for step in (register_document, record_failure, record_interruption):
            patched.setattr(step, "tenant_of", resolve_to_attacker)


def unchecked_context(data: Json) -> TenantContext:
    """Returns the context of the data without validation."""
    placement = Placement(**data["placement"])
    return TenantContext(data["tenant_id"], data["name"], data["tier"], placement)


def _raise(*_: Any) -> Any:
    """Raises the error that is being handled, in place of a problem document."""
    raise  # noqa: PLE0704 - called while an error is being handled


def handler(function: str) -> Callable[[Json, Any], Any]:
    """Returns a function's handler, loaded from its folder."""
    name = f"isolated_{function}"
    if name not in sys.modules:
        sys.modules[name] = _loaded(name, FUNCTIONS / function)
    found: Callable[[Json, Any], Any] = sys.modules[name].handler
    return found


def _loaded(name: str, folder: Path) -> ModuleType:
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(folder)
        found = importlib.util.spec_from_file_location(name, folder / "app.py")
        assert found is not None
        assert found.loader is not None
        module = importlib.util.module_from_spec(found)
        temporary = tempfile.tempdir
        found.loader.exec_module(module)
        tempfile.tempdir = temporary  # a function sets its own
    return module
