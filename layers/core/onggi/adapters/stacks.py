"""CloudFormation stacks of what tenants have for themselves."""

from collections.abc import Mapping
from typing import Any, Final

from botocore.exceptions import ClientError

from onggi.adapters.aws import AwsSession, error_code, translated
from onggi.domain.errors import Conflict
from onggi.domain.tenant import TenantContext

STANDING: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
"""The statuses of a stack whose resources are there (CloudFormation user guide, stack status codes)."""
GOING_ON: Final = "_IN_PROGRESS"


def stack_status(session: AwsSession, stack: str) -> str | None:
    """A stack's status; None where there is no such stack."""
    try:
        with translated("CloudFormation"):
            found = session.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if error_code(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    status: str = found["StackStatus"]
    return status


def refuse_own_failure(session: AwsSession, stack: str, status: str, run: str) -> None:
    """Lets a run try what another has failed at, and not what it has failed at itself.

    Args:
        session: may look at the stack.
        stack: its name.
        status: of a stack that neither exists nor changes.
        run: which run of a workflow asks; what it does to a stack carries its name as the request's token.

    Raises:
        Conflict: when the run itself has left the stack like this.
    """
    with translated("CloudFormation"):
        newest = session.client("cloudformation").describe_stack_events(StackName=stack)["StackEvents"][0]
    if newest.get("ClientRequestToken") == run:
        raise Conflict(
            f"The stack {stack} ended as {status}: see its events in CloudFormation and fix what they name; then send "
            "the same request again."
        )


class CloudFormationTenantStacks:
    """Implements the tenants' stacks, under the function's own role.

    Args:
        session: of the function.
        template: the stack's.
        deployment_role_arn: the role by which CloudFormation makes what the template names.
        parameters: of the template, apart from the tenant's id.
    """

    def __init__(
        self, session: AwsSession, template: str, deployment_role_arn: str, parameters: Mapping[str, str]
    ) -> None:
        self._session = session
        self._template = template
        self._role = deployment_role_arn
        self._parameters = parameters

    @property
    def _client(self) -> Any:  # noqa: ANN401 - botocore makes client classes at run time
        return self._session.client("cloudformation")

    def provide(self, tenant: TenantContext, run: str) -> bool:
        stack = tenant.placement.stack
        status = stack_status(self._session, stack)
        if status is None:
            self._create(tenant, run)
        elif status in STANDING:
            return True
        elif not status.endswith(GOING_ON):
            refuse_own_failure(self._session, stack, status, run)
            with translated("CloudFormation"):
                self._client.delete_stack(StackName=stack)
        return False

    def _create(self, tenant: TenantContext, run: str) -> None:
        parameters = {"TenantId": tenant.tenant_id, **self._parameters}
        try:
            with translated("CloudFormation"):
                self._client.create_stack(
                    StackName=tenant.placement.stack,
                    TemplateBody=self._template,
                    Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
                    RoleARN=self._role,
                    Tags=[{"Key": "TenantId", "Value": tenant.tenant_id}],
                    ClientRequestToken=run,
                )
        except ClientError as error:
            if error_code(error) != "AlreadyExistsException":
                raise
