"""Part of ExtractText: pages that are pictures of text are shown to a model, for tenants who have switched it on."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Final

from onggi.domain.errors import BadDocument
from onggi.domain.money import ModelPrice
from onggi.domain.tenant import TenantContext
from onggi.ports.bundles import TenantPorts
from onggi.ports.models import Recognition
from onggi.ports.reading import TextReader

MAX_PAGES: Final = 100
"""Of one document; at some six seconds a page and four at a time, they take half of the function's time."""
CONCURRENT_CALLS: Final = 4
PAGES_DRAWN_TOGETHER: Final = 8
"""So that the pictures of a long document are never held at once."""


@dataclass(frozen=True, slots=True)
class RecognitionModel:
    """The model that reads pictures, and what its tokens cost."""

    model_id: str
    price: ModelPrice


def recognise_pages(
    tenant: TenantContext,
    file: Path,
    pages: Sequence[int],
    ports: TenantPorts,
    reader: TextReader,
    model: RecognitionModel,
) -> dict[int, str]:
    """The texts of pages (from 1) of a file by their numbers; of a long document the first hundred.

    A page that cannot be drawn is left out: it stays marked, and the others do not suffer.

    Raises:
        TransientError: when the model is not available.
    """
    texts: dict[int, str] = {}
    for numbers in batched(pages[:MAX_PAGES], PAGES_DRAWN_TOGETHER, strict=False):
        images = _drawn(file, numbers, reader)
        recognitions = _recognise(tenant, list(images.values()), ports, model)
        texts |= {number: recognition.text for number, recognition in zip(images, recognitions, strict=True)}
    return texts


def _drawn(file: Path, pages: Sequence[int], reader: TextReader) -> dict[int, bytes]:
    images: dict[int, bytes] = {}
    for page in pages:
        with suppress(BadDocument):
            images[page] = reader.page_image(file, page)
    return images


def _recognise(
    tenant: TenantContext, images: list[bytes], ports: TenantPorts, model: RecognitionModel
) -> list[Recognition]:
    """Reads pictures in parallel; what was spent is metered even where one of them fails."""
    with ThreadPoolExecutor(CONCURRENT_CALLS) as pool:
        calls = [pool.submit(ports.recogniser.recognise, image, model.model_id) for image in images]
    done = [call.result() for call in calls if call.exception() is None]
    if done:
        read, written = sum(call.input_tokens for call in done), sum(call.output_tokens for call in done)
        cost = float(model.price.cost(read, written))
        ports.meter.record(tenant, InputTokens=read, OutputTokens=written, EstimatedCostUSD=cost)
    return [call.result() for call in calls]
