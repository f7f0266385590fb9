"""Demo text is in the target's script, keeps what must survive, and says that it is demo text."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.language.languages import LANGUAGES
from ketl.simulator import DEMO_MARK, is_demo_text
from ketl.simulator.alphabets import known_script
from ketl.simulator.pseudo import demo_mark, pseudo_localise, script_of

SCRIPTS = sorted({language.script for language in LANGUAGES})
IN_NAMES = {
    "Latn": ("LATIN",), "Cyrl": ("CYRILLIC",), "Grek": ("GREEK",), "Arab": ("ARABIC",), "Hebr": ("HEBREW",),
    "Deva": ("DEVANAGARI",), "Beng": ("BENGALI",), "Taml": ("TAMIL",), "Thai": ("THAI",), "Kore": ("HANGUL",),
    "Jpan": ("KATAKANA", "HIRAGANA", "CJK"), "Hans": ("CJK",), "Hant": ("CJK",),
}  # fmt: skip
KEPT = (
    "UPF 50+", "121g", "79gsm", '12"', "100%", "2XL", "3.5 oz", "$1,299.00", "{color}", "%s", "%(size)s", "⟦1⟧", "<b>",
    "</b>", "<a href='x.html'>", "&amp;", "https://ketlmtn.example/p?id=3", "help@ketlmtn.example", "XL", "DWR",
    "KT-1024-B", "7\" x 9\"", "{{name}}", "KETL Mtn.",
)  # fmt: skip
words = st.sampled_from(("Trail", "hoodie", "with", "hidden", "zipper", "for", "riders", "Men's", "café"))
pieces = st.lists(st.one_of(words, st.sampled_from(KEPT)), min_size=1, max_size=12)


@given(pieces=pieces, script=st.sampled_from(SCRIPTS))
def test_what_must_survive_survives_as_often_as_it_came(pieces: list[str], script: str) -> None:
    text = " ".join(pieces)
    written = pseudo_localise(text, script)
    for kept in set(pieces) & set(KEPT):
        assert written.count(kept) >= text.count(kept), (kept, written)


@given(text=st.text(max_size=200), script=st.sampled_from(SCRIPTS))
def test_any_text_is_answered_the_same_way_twice_and_marked(text: str, script: str) -> None:
    written = pseudo_localise(text, script)
    assert written == pseudo_localise(text, script)
    assert is_demo_text(written) or not text.strip()
    assert re.findall(r"[0-9]+", written) == re.findall(r"[0-9]+", text)


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda language: language.tag)
def test_every_language_is_written_in_its_own_script(language: object) -> None:
    script = language.script  # type: ignore[attr-defined]
    written = pseudo_localise("Breathable trail shirt with hidden zipper pockets for the whole family.", script)
    letters = [c for c in written if unicodedata.category(c)[0] == "L"]
    assert letters
    assert all(unicodedata.name(c).startswith(IN_NAMES[script]) for c in letters), written
    assert all(unicodedata.category(c) != "Cn" for c in written)


def test_mark_is_in_the_target_script_and_before_the_last_stop() -> None:
    assert pseudo_localise("Black", "Latn") == "Bláck" + DEMO_MARK
    assert pseudo_localise("Dry.", "Latn") == f"Drý{DEMO_MARK}."
    assert demo_mark("Cyrl") == " ·демо·"
    assert not is_demo_text("Sudadera con capucha")


def test_length_is_near_that_of_a_real_translation() -> None:
    source = "Nice enough for a dinner reservation, stretchy enough to run for a connecting flight."
    for language in LANGUAGES:
        written = pseudo_localise(source, language.script).replace(demo_mark(language.script), "")
        assert 0.5 < len(written) / len(source) / language.expansion < 2.0, language.tag


def test_blank_text_stays_blank() -> None:
    assert pseudo_localise(" \n", "Cyrl") == " \n"


def test_unknown_tag_takes_its_script_subtag_or_latin() -> None:
    assert script_of("uz-Cyrl") == "Cyrl"
    assert script_of("tlh") == "Latn"
    assert known_script("Zzzz") == "Latn"
    assert script_of("ZH-cn") == "Hans"
