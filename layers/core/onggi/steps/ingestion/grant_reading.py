"""GrantReading: lets ExtractText, which parses files of strangers, reach one document and nothing else."""

from dataclasses import dataclass

from onggi.domain.document import DocumentVersion
from onggi.domain.tenant import TenantContext
from onggi.ports.bundles import TenantPorts
from onggi.ports.reading import ReadingGrants


@dataclass(frozen=True, slots=True)
class Grant:
    """A grant as the workflow's state has it.

    Attributes:
        parts: what is encrypted, in base64.
        number: how many grants the execution has had, with this one.
    """

    parts: list[str]
    number: int


def grant_reading(
    tenant: TenantContext, document: DocumentVersion, ports: TenantPorts, grants: ReadingGrants, before: int
) -> Grant:
    """Issues a grant for a version, under whichever id S3 has it: a tenant that was moved has copies.

    Args:
        tenant: whose document it is.
        document: the version that is to be read.
        ports: the tenant's.
        grants: issues grants.
        before: how many grants the execution has had.

    Raises:
        TransientError: when a dependency is not available.
    """
    row = ports.ledger.get(document.document_id)
    objects = row.objects_of(document.version) if row else [document.version]
    return Grant(grants.issue(tenant, document, objects), before + 1)
