"""Microsoft's markitdown: Markdown from a PDF, without chunks."""

from pathlib import Path

from markitdown import MarkItDown  # type: ignore[import-not-found] # in its own environment

from benchmarks.contenders.harness import Read, forked, serve, warm_up_file


def prepare() -> Read:
    """Creates and warms up the converter in the child: the threads of its type detection would not survive a fork."""
    converter = MarkItDown()
    converter.convert_local(str(warm_up_file()))

    def read(file: Path) -> int:
        """Converts the file; markitdown does not report the number of pages."""
        converter.convert_local(str(file))
        return 0

    return read


if __name__ == "__main__":
    import pdfminer.high_level  # type: ignore[import-not-found] # noqa: F401 - would be imported again in every child
    import pdfplumber  # type: ignore[import-not-found] # noqa: F401 - the same

    serve(forked(prepare), "markitdown", "pdfminer.six", "pdfplumber")
