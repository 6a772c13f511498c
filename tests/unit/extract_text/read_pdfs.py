"""Run by itself: reads PDF files as the function does, or with pdfium as it comes, and writes what it has read as JSON.

`python read_pdfs.py {ours|bare} ANSWER FILE...`
"""

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


def ours(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Yields the results of this project's readers in the sandbox."""
    from readers.sandbox import Sandbox  # noqa: PLC0415 - found on the path of the process that this is run in
    from readers.sandboxed import SandboxedReaders  # noqa: PLC0415

    sandbox = Sandbox()
    readers = SandboxedReaders(sandbox)
    for file in files:
        read = readers.read(file, file.name, {})
        picture = hashlib.sha256(readers.page_image(file, 1)).hexdigest()
        yield {"text": read.text, "needs_ocr": read.needs_ocr, "picture": picture}
    sandbox.close()


def bare(files: Sequence[Path]) -> Iterator[dict[str, Any]]:
    """Yields the results of pdfium with the fonts that it finds."""
    import pypdfium2  # noqa: PLC0415 - the readers would configure it

    for file in files:
        with pypdfium2.PdfDocument(file) as document:
            yield {"text": "\n".join(page.get_textpage().get_text_range() for page in document)}


if __name__ == "__main__":
    import pypdfium2_raw

    how, answer, *names = sys.argv[1:]
    read = {"ours": ours, "bare": bare}[how](list(map(Path, names)))
    files = dict(zip((Path(name).name for name in names), read, strict=True))
    Path(answer).write_text(json.dumps({"library": pypdfium2_raw.__file__, "files": files}), encoding="utf-8")
