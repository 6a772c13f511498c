"""Files say things in the words that the project has agreed on: `words.toml`."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[2]
WORDS = Path(__file__).with_name("words.toml")
LIST = tomllib.loads(WORDS.read_text(encoding="utf-8"))


def pattern_of(text: str) -> str:
    """Words may be parted by blanks, line breaks, hyphens or underscores."""
    return r"[\s_-]+".join(map(re.escape, re.split(r"[\s_-]", text)))


def found_in(text: str, words: list[dict[str, Any]]) -> Iterator[str]:
    """Yields the line and the reason of each word that is not used here."""
    for word in words:
        allowed = "|".join(map(pattern_of, word.get("allowed", [])))
        form = "|".join(map(pattern_of, sorted(word["forms"], key=len, reverse=True)))
        # What is allowed comes first, so that a form within it is not found.
        for match in re.finditer(rf"({allowed or '(?!)'})|(?<![A-Za-z])({form})(?![A-Za-z])", text, re.IGNORECASE):
            if match[2]:
                line = text.count("\n", 0, match.start()) + 1
                yield f"{line}: “{match[2]}”: {word['reason']}; use {word['instead']}"


def texts() -> Iterator[tuple[str, str]]:
    """Yields the path and the text of each tracked file that is covered."""
    command = ["git", "ls-files", "-z", "--", *LIST["covered"]]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, encoding="utf-8", check=True).stdout
    for name in filter(None, listed.split("\0")):
        path = REPOSITORY / name
        if path in {WORDS, Path(__file__)} or not path.is_file():
            continue
        content = path.read_bytes()
        if b"\0" not in content:
            yield name, content.decode()


def test_each_word_is_one_that_the_project_uses() -> None:
    assert [f"{name}:{found}" for name, text in texts() for found in found_in(text, LIST["words"])] == []


@pytest.mark.parametrize("text", ["Mend it", "the_jar_is", "take\nup", "local/mends/x.py", "two walls"])
def test_a_word_is_found(text: str) -> None:
    assert list(found_in(text, LIST["words"]))


@pytest.mark.parametrize("text", ["amend", "ajar", "by the wall clock", "wall_seconds=3", "there is room for two"])
def test_another_word_is_not(text: str) -> None:
    assert not list(found_in(text, LIST["words"]))
