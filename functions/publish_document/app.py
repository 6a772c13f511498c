"""Makes the new version the live one, and retires those before it."""

from dataclasses import asdict
from typing import Any

from onggi.domain.records import from_record
from onggi.entry.workflow import DocumentTask, document_step
from onggi.steps.ingestion.chunk_text import Chunking
from onggi.steps.ingestion.embed_chunks import EmbeddedBatch
from onggi.steps.ingestion.extract_text import Extraction
from onggi.steps.ingestion.publish_document import facts_of, publish_document


@document_step
def handler(task: DocumentTask) -> dict[str, Any]:
    """Takes a registration with the results of extraction, chunking and embedding; returns how publishing ended."""
    facts = facts_of(
        from_record(Extraction, task.state["extraction"]),
        from_record(Chunking, task.state["chunking"]),
        [from_record(EmbeddedBatch, batch) for batch in task.state["batches"]],
    )
    return asdict(publish_document(task.tenant, task.document, facts, task.ports))
