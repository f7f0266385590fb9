"""What must survive is hidden and comes back, whatever a translator does to the marks."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketl.catalog import placeables
from ketl.catalog.placeables import KINDS, Restored, hide, is_code, nothing_to_translate, restore
from tests.strategies import any_text


@given(any_text)
def test_hiding_then_restoring_is_the_identity(text: str) -> None:
    hidden = hide(text, ("KETL Mtn.", "Sunshirk"))
    assert restore(hidden.text, hidden) == Restored(text)


@pytest.mark.parametrize(
    ("text", "hidden", "values"),
    [
        ("Soft <b>shell</b>, <br/>", "Soft ⟦1⟧shell⟦2⟧, ⟦3⟧", ("<b>", "</b>", "<br/>")),
        ("Only {count} left, {{name}}!", "Only ⟦1⟧ left, ⟦2⟧!", ("{count}", "{{name}}")),
        ("%s of %1$s by %(who)s", "⟦1⟧ of ⟦2⟧ by ⟦3⟧", ("%s", "%1$s", "%(who)s")),
        ("${price} {% if x %} [[size]]", "⟦1⟧ ⟦2⟧ ⟦3⟧", ("${price}", "{% if x %}", "[[size]]")),
        ("See https://ketlmtn.example/fit?a=1.", "See ⟦1⟧.", ("https://ketlmtn.example/fit?a=1",)),
        ("Write to help@ketlmtn.example, please", "Write to ⟦1⟧, please", ("help@ketlmtn.example",)),
        ("UPF 50+, Quick-dry", "⟦1⟧, Quick-dry", ("UPF 50+",)),
        ("4XL fits 4XL, A-1002", "⟦1⟧ fits ⟦1⟧, ⟦2⟧", ("4XL", "A-1002")),
        ("Sunshirk by KETL Mtn.", "⟦1⟧ by ⟦2⟧", ("Sunshirk", "KETL Mtn.")),
        ("600D Polyester", "⟦1⟧ Polyester", ("600D",)),
    ],
)
def test_placeables_become_marks_in_order_of_first_occurrence(text: str, hidden: str, values: tuple[str, ...]) -> None:
    found = hide(text, ("KETL", "KETL Mtn.", "Sunshirk"))
    assert (found.text, found.values) == (hidden, values)


@pytest.mark.parametrize(
    "text",
    [
        "100% Polyester, Weight: 121g (taken from size M), Fabric weight: 79gsm",
        '12" inseam, 5-panel cap, 2-way zip, 4-WAY stretch',
        "Waterproof 20,000 mm, Breathable 15,000 g/m²/24h, 24h, 10K/8K, 30L, 500cm3",
        "Type-C, T-shirt, 2-in-1, 90s, 32x34, 100% silk, 50% down",
        "a < b and c > d, I <3 mountains",
        "Sunshirks",
    ],
)
def test_measures_and_plain_words_stay_in_sight(text: str) -> None:
    assert hide(text, ("Sunshirk",)).text == text


@pytest.mark.parametrize(
    ("token", "code"),
    [("4XL", True), ("M65", True), ("3XL-4XL", True), ("A-1002", True), ("70D", True), ("121g", False), ("12in", False),
     ("5-panel", False), ("2-WAY", False), ("B1", False), ("Polyester", False), ("m2", False), ("cm3", False)],
)  # fmt: skip
def test_codes_are_told_from_measures(token: str, code: bool) -> None:
    assert is_code(token) is code


@pytest.mark.parametrize(
    ("translated", "text"),
    [
        ("Hola ⟦1⟧, <⟦2⟧tú⟦3⟧>", "Hola {name}, <<b>tú</b>>"),
        ("⟦2⟧tú⟦3⟧, ¡hola ⟦1⟧!", "<b>tú</b>, ¡hola {name}!"),
        ("مرحبا \u200f⟦ ١ ⟧\u200f ⟦٢⟧أنت⟦٣⟧", "مرحبا {name} <b>أنت</b>"),
        ("こんにちは【１】、［２］あなた〚3〛", "こんにちは{name}、<b>あなた</b>"),
        ("Hallo [[1]], [2]du[3]", "Hallo {name}, <b>du</b>"),
        ("Hallo {name}, <b>du</b>", "Hallo {name}, <b>du</b>"),
    ],
)
def test_marks_come_back_in_many_shapes(translated: str, text: str) -> None:
    assert restore(translated, hide("Hello {name}, <b>you</b>")) == Restored(text)


@pytest.mark.parametrize(
    ("translated", "missing", "extra"),
    [
        ("Hallo, ⟦2⟧du⟦3⟧", ("{name}",), ()),
        ("Hallo ⟦1⟧ ⟦1⟧, ⟦2⟧du⟦3⟧", (), ("{name}",)),
        ("Hallo ⟦1⟧, ⟦2⟧du⟦3⟧ ⟦9⟧", (), ("⟦9⟧",)),
        ("Hallo", ("{name}", "<b>", "</b>"), ()),
    ],
)
def test_lost_and_surplus_marks_are_told(translated: str, missing: tuple[str, ...], extra: tuple[str, ...]) -> None:
    restored = restore(translated, hide("Hello {name}, <b>you</b>"))
    assert (restored.missing, restored.extra, restored.complete) == (missing, extra, False)


def test_square_brackets_of_the_source_are_no_marks() -> None:
    hidden = hide("Note [1]: {x} fits")
    assert restore("Nota [1]: ⟦1⟧ va bien", hidden).text == "Nota [1]: {x} va bien"
    assert restore("Nota [1]: va bien", hidden).missing == ("{x}",)


def test_a_number_in_brackets_is_a_mark_only_if_there_is_such_a_mark() -> None:
    hidden = hide("Hello {name}, <b>you, see note 3")
    assert restore("Hallo ⟦1⟧, du, siehe [3]", hidden) == Restored("Hallo {name}, du, siehe [3]", ("<b>",), ())


def test_a_mark_nobody_asked_for_is_told() -> None:
    assert restore("Negro ⟦1⟧", hide("Black")).extra == ("⟦1⟧",)


@pytest.mark.parametrize(
    ("text", "nothing"),
    [
        ("4XL", True),
        ("{a} – {b}", True),
        ("https://ketlmtn.example", True),
        ("  ", True),
        ("Black", False),
        ("12", False),
    ],
)
def test_a_text_of_placeables_alone_needs_no_translator(text: str, nothing: bool) -> None:
    assert nothing_to_translate(hide(text)) is nothing


@pytest.mark.parametrize("piece", ["<a", "{{", "<!--", "a1-", "x@", "[[", "http://", "⟦", "a.a@", "{%", "⟦1"])
def test_texts_of_unclosed_signs_take_linear_time(piece: str) -> None:
    """A quadratic pattern would need minutes for this; the identity is what is asserted."""
    text = piece * 40_000
    hidden = hide(text)
    assert restore(hidden.text, hidden).text == text


# Pieces of what the patterns look for, so that their beginnings and ends meet in every order.
_PIECES = "a Z 9 4 - _ ⟦ ⟧ < > / { } [[ ]] % $ ( ) s @ . :// http www. tel: mailto: UPF SPF + KETL Mtn. ² é".split()


@settings(max_examples=400)
@given(any_text | st.lists(st.sampled_from([*_PIECES, " "]), max_size=14).map("".join))
def test_patterns_that_are_left_out_could_not_have_matched(text: str) -> None:
    # What `hide` tries is narrowed by the signs that a text has; the full set must find nothing else.
    full = placeables._pattern(("KETL Mtn.", "Sunshirk"), KINDS)
    seen: dict[str, int] = {}

    def mark(match: re.Match[str]) -> str:
        value = match.group()
        return (
            value if match.lastgroup == "code" and not is_code(value) else f"⟦{seen.setdefault(value, len(seen) + 1)}⟧"
        )

    hidden = hide(text, ("KETL Mtn.", "Sunshirk"))
    assert hidden.text == full.sub(mark, text) and hidden.values == tuple(seen)
