"""Only the text of every page, by pdfium: the lower bound for every reader that uses it."""

from pathlib import Path

import pypdfium2

from benchmarks.contenders.harness import Read, forked, serve, warm_up_file


def read(file: Path) -> int:
    """Extracts and discards the text; returns the number of pages."""
    pdf = pypdfium2.PdfDocument(file)
    for page in pdf:
        text = page.get_textpage()
        text.get_text_range()
        text.close()
        page.close()
    return len(pdf)


def prepare() -> Read:
    """Returns the reader."""
    return read


if __name__ == "__main__":
    read(warm_up_file())
    serve(forked(prepare), "pypdfium2")
