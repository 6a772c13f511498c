"""LangChain's usual pipeline from a PDF to chunks: `PyPDFLoader` and `RecursiveCharacterTextSplitter`."""

from pathlib import Path

from langchain_community.document_loaders import (  # type: ignore[import-not-found] # in its own environment
    PyPDFLoader,
)
from langchain_text_splitters import RecursiveCharacterTextSplitter

from benchmarks.contenders.harness import Read, forked, serve, warm_up_file

SPLITTER = RecursiveCharacterTextSplitter(chunk_size=800, chunk_overlap=100)
"""The same chunk size as in this project."""


def read(file: Path) -> int:
    """Loads and splits the file; returns the number of pages."""
    pages = PyPDFLoader(str(file)).load()
    SPLITTER.split_documents(pages)
    return len(pages)


def prepare() -> Read:
    """Returns the reader."""
    return read


if __name__ == "__main__":
    read(warm_up_file())
    serve(forked(prepare), "langchain-community", "langchain-text-splitters", "pypdf")
