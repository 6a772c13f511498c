"""The glossary explains words that are used, and the index of the documentation names every page."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TERMS = re.findall(r"^\| ([a-z ]+?) \|", (DOCS / "glossary.md").read_text(encoding="utf-8"), re.MULTILINE)[1:]
PAGES = [page for page in DOCS.rglob("*.md") if page.name not in {"README.md", "glossary.md"}]
PROSE = "\n".join(
    page.read_text(encoding="utf-8").lower() for page in [*PAGES, ROOT / "README.md", ROOT / "SECURITY.md"]
)
CODE = "\n".join(path.read_text(encoding="utf-8").lower() for path in (ROOT / "layers/core/onggi").rglob("*.py"))


def test_terms_are_in_the_order_of_the_alphabet() -> None:
    assert len(TERMS) > 20
    assert sorted(TERMS) == TERMS


@pytest.mark.parametrize("term", TERMS)
def test_a_term_is_used(term: str) -> None:
    assert re.search(rf"\b{term}s?\b", PROSE + CODE)


def test_the_index_names_every_page() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    linked = {(DOCS / target).resolve() for target in re.findall(r"\]\(([^)#]+)", index)}
    assert linked >= {page.resolve() for page in PAGES}
    assert all(path.exists() for path in linked)
