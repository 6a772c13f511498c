"""What is kept of a version comes back as it was."""

import pytest

from onggi.domain.chunk import Chunk
from onggi.domain.document import DocumentProperties, ExtractedText, HeadingSpan, TableSpan
from onggi.domain.errors import NotFound
from onggi.steps.ingestion.artifacts import ChunkBatch, PlannedChunk, VersionArtifacts
from tests.unit.core.fakes import FakeArtifactStore

EXTRACTED = ExtractedText(
    "# 요금 😀\n\n항목 | 값\n월세 | 7",
    (0, 8),
    "ko",
    DocumentProperties("요금표", "김, 이", "2026-11-21", "2026-11-21T09:00:00+09:00"),
    (HeadingSpan(0, 6, 1),),
    (TableSpan(8, 22, 15),),
    (2, 5),
)


@pytest.mark.parametrize("extracted", [EXTRACTED, ExtractedText("plain", (0,), "en")])
def test_a_text_keeps_its_structure(extracted: ExtractedText) -> None:
    artifacts = VersionArtifacts(FakeArtifactStore(), "doc", "v1")
    with pytest.raises(NotFound):
        artifacts.read_text()
    artifacts.write_text(extracted)
    assert artifacts.read_text() == extracted
    assert artifacts.read_properties() == extracted.properties


def test_chunks_keep_their_context_and_what_they_reuse() -> None:
    artifacts = VersionArtifacts(FakeArtifactStore(), "doc", "v1")
    batch = ChunkBatch(
        "ko",
        "v0",
        (
            PlannedChunk(Chunk(0, 8, 15, 1, "항목 | 값", (), "요금")),
            PlannedChunk(Chunk(1, 15, 22, 2, "월세 | 7", (16,)), (3, 4)),
        ),
    )
    artifacts.write_chunks(12, batch)
    assert artifacts.read_chunks(12) == batch
    assert artifacts.batch_numbers() == [12]
