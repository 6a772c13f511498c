"""The README in both languages shows the same commands, and its links lead somewhere."""

import re

import pytest

from tests.deployment_template import REPOSITORY

LANGUAGES = ("README.md", "README.ko.md")


def text_of(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def test_both_languages_have_the_same_code() -> None:
    english, korean = (re.findall(r"^ *```.*?^ *```$", text_of(name), re.DOTALL | re.MULTILINE) for name in LANGUAGES)
    assert len(english) > 4
    assert english == korean


@pytest.mark.parametrize("name", [*LANGUAGES, "CONTRIBUTING.md", "SECURITY.md", "docs/README.md"])
def test_links_lead_to_files(name: str) -> None:
    folder = (REPOSITORY / name).parent
    targets = [link.split("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text_of(name))]
    local = [target for target in targets if target and not target.startswith(("http://", "https://"))]
    assert local
    assert [target for target in local if not (folder / target).exists()] == []
