"""ExtractText: turns the uploaded file into normalised text among the artifacts."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from onggi.domain.document import DocumentVersion
from onggi.domain.errors import BadDocument, NotFound
from onggi.domain.tenant import TenantContext
from onggi.ports.bundles import TenantPorts
from onggi.ports.reading import TextReader
from onggi.steps.ingestion.artifacts import VersionArtifacts
from onggi.steps.ingestion.recognise_pages import RecognitionModel, recognise_pages
from onggi.steps.ingestion.retire import ABANDONED, is_abandoned


@dataclass(frozen=True, slots=True)
class Extraction:
    """What the workflow knows of a text: its pages, characters and language, never the text.

    Attributes:
        needs_ocr: how many pages show something and hold no text.
    """

    pages: int
    characters: int
    language: str
    needs_ocr: int


def extract_text(
    tenant: TenantContext, document: DocumentVersion, ports: TenantPorts, reader: TextReader, model: RecognitionModel
) -> Extraction:
    """Reads the file and keeps its text.

    Raises:
        BadDocument: when the file cannot be read or holds no text.
        NotFound: when this version is gone from S3, or was removed, replaced or given up meanwhile; no text stays then.
        TransientError: when a dependency is not available.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "document"
        _download(document, file, ports)
        extracted = reader.read(file, document.name, {})
        if extracted.needs_ocr and tenant.settings.ocr:
            recognised = recognise_pages(tenant, file, extracted.needs_ocr, ports, reader, model)
            extracted = reader.read(file, document.name, recognised)
    if not extracted.text.strip():
        raise BadDocument("no_text")
    artifacts = VersionArtifacts(ports.artifacts, document.document_id, document.version)
    artifacts.write_text(extracted)
    if is_abandoned(document, ports):  # whoever gives a version up removes the rest of it
        artifacts.delete_text()
        raise NotFound(ABANDONED)
    return Extraction(len(extracted.page_starts), len(extracted.text), extracted.language, len(extracted.needs_ocr))


def _download(document: DocumentVersion, file: Path, ports: TenantPorts) -> None:
    """Writes a version to a file, under whichever id S3 has it: a tenant that was moved has copies."""
    row = ports.ledger.get(document.document_id)
    *copies, uploaded = row.objects_of(document.version) if row else [document.version]
    for copy in copies:
        try:
            return ports.documents.download(document.key, copy, file)
        except NotFound:
            continue
    return ports.documents.download(document.key, uploaded, file)
