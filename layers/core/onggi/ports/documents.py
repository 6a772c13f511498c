"""Ports for data in S3: the tenant's uploads, and what ingestion makes of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from onggi.domain.document import Metadata


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """What S3 says of one version of an object; `metadata` holds the `x-amz-meta-*` headers, decoded."""

    version: str
    size: int
    content_type: str
    modified: str
    metadata: Metadata


@dataclass(frozen=True, slots=True)
class PresignedUpload:
    """An HTML form upload straight into S3."""

    url: str
    fields: dict[str, str]


class DocumentStore(Protocol):
    """What the tenant uploaded; every call raises TenantMismatch for a key outside the tenant's prefix."""

    def facts(self, key: str, version: str | None = None) -> ObjectFacts | None:
        """The facts of a version, or of the newest; None where it is not there or is deleted."""
        ...

    def download(self, key: str, version: str, target: Path) -> None:
        """Writes a version to a file.

        Raises:
            NotFound: when that version is gone.
        """
        ...

    def read_start(self, key: str, most: int) -> bytes | None:
        """The beginning of the newest version, at most so many bytes; None where it is not there or is deleted."""
        ...

    def delete(self, key: str) -> None:
        """Deletes the newest version by a delete marker; earlier versions stay."""
        ...

    def presign_upload(
        self, key: str, content_type: str, size: int, metadata: Metadata, seconds: int
    ) -> PresignedUpload:
        """Permits one upload of exactly this key, type, size and metadata for some seconds."""
        ...


class ArtifactStore(Protocol):
    """What ingestion makes of the tenant's documents. Names are relative to the tenant's prefix."""

    def write(self, name: str, content: bytes) -> None:
        """Writes an artifact, replacing what was there."""
        ...

    def read(self, name: str) -> bytes:
        """Reads an artifact.

        Raises:
            NotFound: when there is none of that name.
        """
        ...

    def names(self, prefix: str) -> list[str]:
        """The names of all artifacts that begin with a prefix, sorted."""
        ...

    def delete(self, names: Iterable[str]) -> None:
        """Deletes artifacts; names that are not there are no error."""
        ...

    def write_manifest(self, document_id: str, version: str, lines: Sequence[Mapping[str, Any]]) -> str:
        """Writes a JSON Lines manifest for the workflow's Map, outside the tenant's prefix; returns its S3 key.

        The workflow's role reads manifests and nothing else, so they hold numbers and no content.
        """
        ...

    def delete_manifest(self, document_id: str, version: str) -> None:
        """Deletes a version's manifest; no error where there is none."""
        ...
