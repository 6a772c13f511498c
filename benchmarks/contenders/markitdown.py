"""Microsoft's markitdown: Markdown from a PDF, and no chunks."""

from pathlib import Path

from markitdown import MarkItDown  # type: ignore[import-not-found] # in an environment of its own

from benchmarks.contenders.harness import Read, forked, serve, warm_up_file


def prepare() -> Read:
    """Makes the converter and warms it up in the child: the threads of its model for types would not outlive a fork."""
    converter = MarkItDown()
    converter.convert_local(str(warm_up_file()))

    def read(file: Path) -> int:
        """Converts; markitdown does not tell how many pages there were."""
        converter.convert_local(str(file))
        return 0

    return read


if __name__ == "__main__":
    import pdfminer.high_level  # type: ignore[import-not-found] # noqa: F401 - would be imported anew in every child
    import pdfplumber  # type: ignore[import-not-found] # noqa: F401 - the same

    serve(forked(prepare), "markitdown", "pdfminer.six", "pdfplumber")
