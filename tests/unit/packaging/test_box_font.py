import io

from fontTools.ttLib import TTFont

from layers.packaging.box_font import FILE, make_font


def test_the_font_in_the_artifact_is_the_one_that_is_made_here() -> None:
    assert FILE.read_bytes() == make_font(), "run `.venv/bin/python layers/packaging/box_font.py`"


def test_every_character_has_a_box_and_none_has_ink() -> None:
    font = TTFont(io.BytesIO(FILE.read_bytes()))
    characters = font["cmap"].getBestCmap()
    assert set(characters) == set(range(0x110000))
    assert {characters[ord(letter)] for letter in "A1я "} == {characters[0]}
    assert {characters[ord(letter)] for letter in "ㄱ가漢かＡ"} == {characters[0x10FFFF]}
    for name in font.getGlyphOrder():
        glyph = font["glyf"][name]
        coordinates, ends, _ = glyph.getCoordinates(font["glyf"])
        contours = [set(coordinates[start:end]) for start, end in ((0, ends[0] + 1), (ends[0] + 1, ends[1] + 1))]
        assert list(map(len, contours)) == [1, 1]
        assert glyph.xMax - glyph.xMin > 0 < glyph.yMax - glyph.yMin
