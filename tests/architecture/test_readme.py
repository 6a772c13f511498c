"""The README in both languages shows the same commands, and links in the documentation lead somewhere."""

import re

import pytest

from tests.deployment_template import REPOSITORY

LANGUAGES = ("README.md", "README.ko.md")
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])


def text_of(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def anchors_of(name: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", text_of(name), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_both_languages_have_the_same_code() -> None:
    english, korean = (re.findall(r"^ *```.*?^ *```$", text_of(name), re.DOTALL | re.MULTILINE) for name in LANGUAGES)
    assert len(english) > 4
    assert english == korean


def test_both_languages_link_to_the_same_pages() -> None:
    english, korean = (set(re.findall(r"\]\(([^)\s]+)\)", text_of(name))) - set(LANGUAGES) for name in LANGUAGES)
    assert len(english) > 10
    assert english == korean


@pytest.mark.parametrize("name", [str(page.relative_to(REPOSITORY)) for page in PAGES])
def test_links_lead_to_files_and_headings(name: str) -> None:
    folder = (REPOSITORY / name).parent
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text_of(name)) if "://" not in link]
    for link in links:
        path, _, anchor = link.partition("#")
        target = (folder / path).resolve() if path else REPOSITORY / name
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(str(target.relative_to(REPOSITORY))), link
