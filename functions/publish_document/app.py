"""Makes the new version the one that answers, and retires those before it."""

from dataclasses import asdict
from typing import Any

from onggi.entry.workflow import DocumentTask, document_step
from onggi.ports.ledger import PublishedFacts
from onggi.steps.ingestion.publish_document import publish_document


@document_step
def handler(task: DocumentTask) -> dict[str, Any]:
    """Takes a registration with what extraction, chunking and embedding told; answers how publishing ended."""
    extraction = task.state["extraction"]
    facts = PublishedFacts(
        pages=extraction["pages"],
        chunks=task.state["chunking"]["chunks"],
        tokens=sum(batch["tokens"] for batch in task.state["batches"]),
        language=extraction["language"],
        needs_ocr=extraction["needs_ocr"],
    )
    return asdict(publish_document(task.tenant, task.document, facts, task.ports))
