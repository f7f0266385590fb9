"""A product's cards: the notes of checks, the words of a failure, badges in words, and texts that stay texts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from streamlit.testing.v1 import AppTest

from ketl.catalog.products import Product
from ketl.checks import Finding, Severity
from ketl.language.languages import BY_TAG
from ketl.results.outcome import Status
from ketl.results.rows import ResultRow
from ketl.ui.cards import finding_html

NUMBERS = Finding("numbers", Severity.WARNING, "The number 121 is missing.")
MARKUP = Finding("unsafe-markup", Severity.ERROR, "It holds <script>.")
NAME = ResultRow(
    product_id="1",
    product_name="Rain Jacket",
    field="name",
    item=None,
    language="Spanish",
    language_tag="es",
    source="Rain Jacket",
    translation="Chaqueta",
    status=Status.TRANSLATED,
    model="llama-3.3-70b-versatile",
    findings=(),
    seconds=0.42,
    from_memory=False,
    reason="",
)
RED = NAME._replace(field="colors", item=0, source="Red", translation="Rojo")
FAILED = NAME._replace(field="details", translation="", status=Status.FAILED, reason="No answer came.", model="")


# A function that the test driver runs is taken out of this file, so it brings what it needs.
def draw_card(language, rows):  # type: ignore[no-untyped-def]
    from ketl.ui.cards import language_card

    language_card(language, rows)


def draw_english(product, fields):  # type: ignore[no-untyped-def]
    from ketl.ui.cards import english_card

    english_card(product, fields)


def html_of(app: AppTest) -> str:
    return "\n".join(element.proto.body for element in app.get("html"))


def card(rows: Sequence[ResultRow], tag: str = "es") -> AppTest:
    return AppTest.from_function(draw_card, args=(BY_TAG[tag], rows)).run()


@pytest.mark.parametrize(
    ("rows", "badge"),
    [
        ([NAME, RED], "Checks passed"),
        ([NAME._replace(findings=(NUMBERS,)), RED], "1 to look at"),
        ([NAME._replace(findings=(NUMBERS,)), RED, FAILED], "1 failed"),
        ([NAME, RED._replace(translation="", status=Status.CANCELLED)], "1 not translated"),
        ([NAME._replace(status=Status.APPROVED), RED], "Approved"),
        ([NAME._replace(status=Status.EDITED, findings=(NUMBERS,)), RED], "Approved"),
    ],
)
def test_the_badge_says_in_words_how_a_language_stands(rows: list[ResultRow], badge: str) -> None:
    app = card(rows)
    assert not app.exception
    assert badge in "\n".join(element.value for element in app.markdown)


def test_a_failure_stands_in_the_place_of_its_text_with_its_reason() -> None:
    html = html_of(card([NAME, FAILED]))
    assert "<b>Failed.</b> No answer came." in html
    assert '<div class="k-label">Details</div><div class="k-why k-error">' in html


def test_what_was_not_translated_is_not_called_a_failure() -> None:
    html = html_of(card([FAILED._replace(status=Status.CANCELLED, reason="The run ended before.")]))
    assert "<b>Not translated.</b> The run ended before." in html and "k-error" not in html


def test_a_doubt_about_one_of_several_colours_names_the_colour() -> None:
    html = html_of(card([RED, RED._replace(item=1, translation="Azul <i>", findings=(NUMBERS,))]))
    assert "<li " in html and "(<bdi>Azul &lt;i&gt;</bdi>). The number 121 is missing." not in html
    assert "(<bdi>Azul &lt;i&gt;</bdi>).</b> The number 121 is missing." in html


def test_an_error_is_marked_and_what_it_quotes_stays_text() -> None:
    assert "k-error" in finding_html(MARKUP) and "&lt;script&gt;" in finding_html(MARKUP)
    assert "k-error" not in finding_html(NUMBERS)


def test_the_foot_says_who_answered_and_how_long_the_slowest_took() -> None:
    html = html_of(card([NAME, RED._replace(seconds=1.26)]))
    assert "llama-3.3-70b-versatile · 1.3 s for the slowest request" in html


def test_the_foot_says_when_all_came_from_the_memory() -> None:
    known = NAME._replace(seconds=None, from_memory=True, model="")
    assert '<p class="k-foot">from the memory</p>' in html_of(card([known]))


def test_a_right_to_left_language_is_drawn_so_with_its_own_name() -> None:
    html = html_of(card([NAME._replace(language="Arabic", language_tag="ar", translation="سترة UPF 50+")], "ar"))
    assert 'dir="rtl" lang="ar"' in html and '<bdi dir="ltr">UPF 50+</bdi>' in html
    assert "العربية" in html


def test_the_english_shows_the_chosen_fields_only() -> None:
    product = Product("1", {"name": "Rain <Jacket>", "details": "Dries.\nFast.", "colors": ("Red", "Blue")})
    app = AppTest.from_function(draw_english, args=(product, ("name", "details", "fabric"))).run()
    html = html_of(app)
    assert "Rain &lt;Jacket&gt;" in html and "Dries.<br>Fast." in html
    assert "Red" not in html and "Fabric" not in html


def test_a_product_without_the_chosen_fields_says_so() -> None:
    app = AppTest.from_function(draw_english, args=(Product("1", {"name": "Rain Jacket"}), ("fabric",))).run()
    assert "This product has none of the chosen fields." in html_of(app)


def test_a_list_runs_as_its_language_is_read() -> None:
    arabic = [
        RED._replace(language="Arabic", language_tag="ar", translation=word, item=n) for n, word in enumerate("اب")
    ]
    assert '<ul dir="rtl"><li dir="rtl"' in html_of(card(arabic, "ar"))
    assert '<ul dir="ltr"><li dir="ltr"' in html_of(card([RED], "es"))
