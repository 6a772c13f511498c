"""Nothing but the text of every page, by pdfium: what no way that uses it can be faster than."""

from pathlib import Path

import pypdfium2

from benchmarks.contenders.harness import Read, forked, serve, warm_up_file


def read(file: Path) -> int:
    """Extracts and forgets the text; answers the number of pages."""
    pdf = pypdfium2.PdfDocument(file)
    for page in pdf:
        text = page.get_textpage()
        text.get_text_range()
        text.close()
        page.close()
    return len(pdf)


def prepare() -> Read:
    """Nothing to prepare."""
    return read


if __name__ == "__main__":
    read(warm_up_file())
    serve(forked(prepare), "pypdfium2")
