"""What is read from a PDF does not depend on the fonts of the machine.

pdfium looks for fonts in folders of the system whose names are compiled into it. The processes that read here load a
copy of it in which these names are replaced: it finds the fonts that a test has put down for it and never those of the
machine. Nothing else is changed, so that this holds on every machine and needs no rights.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from cli.demo.pdf import make_pdf
from tests.files.fonts import ALPHABETS, HANGUL, KOREAN_CODE_PAGE, LATIN_CODE_PAGE, make_font
from tests.files.pdf import make_sample, make_scan, make_stamped_scan, turned
from tests.files.pdf_annotations import make_form
from tests.files.pdf_glyphs import CODECS, make_glyphs, make_inkless, make_procedures, make_simple_glyphs

REPOSITORY = Path(__file__).resolve().parents[3]
SYSTEM_FOLDER = b"/usr/share/fonts"
OTHER_FOLDERS = (b"/usr/local/share/fonts", b"/usr/share/X11/fonts/Type1", b"/usr/share/X11/fonts/TTF")
FOLDER = b"system-fonts-dir"
"""As long as the name that it replaces; where the process runs."""

LINES = ["성별 남 11", "병역 필, 유무 - 무", "끝"]
MAN = "남"
CYRILLIC = ["afii10024", "afii10025", "alpha", "A"]
SAMPLES: Mapping[str, bytes] = {
    "sample.pdf": make_sample(),
    "one word.pdf": make_pdf(["끝"], "t"),
    "short lines.pdf": make_pdf(["성별\n남\n국적\n한국"], "t"),
    "old.pdf": make_pdf(["병역\n필"], "t", with_unicode_map=False),
    "turned.pdf": turned(make_pdf(["성별\n남\n1"], "t"), 90, 90),
    "form.pdf": make_form("이름:", "남"),
    "scan.pdf": make_scan(["표지", None]),
    "stamped scan.pdf": make_stamped_scan(["접수"]),
    "inkless.pdf": make_inkless(LINES),
    "procedures.pdf": make_procedures("가나다 x1"),
    "cyrillic.pdf": make_simple_glyphs(CYRILLIC),
    "cyrillic by name.pdf": make_simple_glyphs(CYRILLIC, font="TestSans"),
    **{f"{encoding} glyphs.pdf": make_glyphs(LINES, encoding=encoding) for encoding in CODECS},
    **{f"{encoding} turned.pdf": make_glyphs(LINES, encoding=encoding, degrees=90) for encoding in CODECS},
    **{f"{encoding} lines.pdf": make_glyphs(LINES, encoding=encoding, whole_lines=True) for encoding in CODECS},
}
# Boxes that no font has, so that whatever depends on them differs.
FONTS = {
    "no font": {},
    "Latin font": {"latin.ttf": make_font("TestSans", ALPHABETS, LATIN_CODE_PAGE, box=(0, -900, 900, 1900))},
    "Korean font": {
        "latin.ttf": make_font("TestSans", ALPHABETS, LATIN_CODE_PAGE, box=(0, -900, 900, 1900)),
        "korean.ttf": make_font("Batang", HANGUL, KOREAN_CODE_PAGE, box=(0, -900, 900, 1900)),
    },
}

Read = Mapping[str, dict[str, Any]]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Returns a folder with the samples and a pdfium that looks for fonts where it runs."""
    folder = tmp_path_factory.mktemp("machine")
    for name, content in SAMPLES.items():
        (folder / name).write_bytes(content)
    spec = find_spec("pypdfium2_raw")
    assert spec is not None
    assert spec.submodule_search_locations is not None
    package = folder / "site" / "pypdfium2_raw"
    shutil.copytree(spec.submodule_search_locations[0], package, ignore=shutil.ignore_patterns("__pycache__"))
    library = package / "libpdfium.so"
    content = library.read_bytes()
    for known, other in [(SYSTEM_FOLDER, FOLDER), *((known, b"x" * len(known)) for known in OTHER_FOLDERS)]:
        assert content.count(b"\0%s\0" % known) == 1, f"pdfium no longer names {known!r}"
        content = content.replace(b"\0%s\0" % known, b"\0%s\0" % other)
    library.unlink()  # it may be a hard link to the installed one
    library.write_bytes(content)
    return folder


def read_with(machine: Path, fonts: Mapping[str, bytes], how: str, place: Path) -> Read:
    (place / os.fsdecode(FOLDER)).mkdir(parents=True)
    for name, content in fonts.items():
        (place / os.fsdecode(FOLDER) / name).write_bytes(content)
    roots = (machine / "site", REPOSITORY / "functions/extract_text", REPOSITORY / "layers/core")
    script = REPOSITORY / "tests/unit/extract_text/read_pdfs.py"
    subprocess.run(
        [sys.executable, str(script), how, "answer.json", *(str(machine / name) for name in SAMPLES)],
        cwd=place,
        env={"PYTHONPATH": os.pathsep.join(map(str, roots)), "PATH": os.defpath},
        stdout=subprocess.DEVNULL,  # the function's log
        check=True,
    )
    answer = json.loads((place / "answer.json").read_text(encoding="utf-8"))
    assert Path(answer["library"]).is_relative_to(machine)
    read: Read = answer["files"]
    return read


@pytest.fixture(scope="module")
def ours(machine: Path) -> dict[str, Read]:
    return {name: read_with(machine, fonts, "ours", machine / f"{name}, ours") for name, fonts in FONTS.items()}


@pytest.fixture(scope="module")
def bare(machine: Path) -> dict[str, Read]:
    return {name: read_with(machine, fonts, "bare", machine / f"{name}, bare") for name, fonts in FONTS.items()}


def test_installed_fonts_change_the_text_of_bare_pdfium(bare: dict[str, Read]) -> None:
    assert bare["no font"]["one word.pdf"]["text"] == ""
    assert MAN not in bare["Latin font"]["short lines.pdf"]["text"]
    assert bare["Korean font"]["one word.pdf"]["text"] == "끝"
    assert MAN in bare["Korean font"]["short lines.pdf"]["text"]
    assert "Ж" not in bare["no font"]["cyrillic by name.pdf"]["text"]
    assert "Ж" in bare["Latin font"]["cyrillic by name.pdf"]["text"]


@pytest.mark.parametrize("name", SAMPLES)
def test_fonts_of_the_machine_change_neither_text_nor_image(ours: dict[str, Read], name: str) -> None:
    assert ours["Latin font"][name] == ours["no font"][name]
    assert ours["Korean font"][name] == ours["no font"][name]


@pytest.mark.parametrize("name", [name for name in SAMPLES if "glyphs" in name or "lines" in name])
def test_every_letter_is_read_without_a_font(ours: dict[str, Read], name: str) -> None:
    lines = ["성별", "남", "국적", "한국"] if name == "short lines.pdf" else LINES
    assert sorted("".join(ours["no font"][name]["text"].split())) == sorted("".join("".join(lines).split()))
