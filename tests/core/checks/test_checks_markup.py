"""Placeholders, tags, unsafe markup and entities."""

from __future__ import annotations

import pytest

from tests.core.checks.helpers import findings


@pytest.mark.parametrize(
    "placeholder",
    [
        "{size}",
        "{{ product.title }}",
        "%s",
        "%1$s",
        "%(name)s",
        "${price}",
        "{% if x %}",
        "[[link]]",
        "*|FNAME|*",
        "⟦1⟧",
    ],
)
def test_a_placeholder_must_reappear(placeholder):
    source = f"Only {placeholder} left in stock"
    assert findings(source, f"Solo quedan {placeholder} en stock", "es") == []
    assert "placeholders" in findings(source, "Solo quedan en stock", "es")


def test_placeholders_may_change_places():
    assert findings("{count} of {total} sold", "De {total} se vendieron {count}", "es") == []


def test_a_translated_or_added_placeholder_is_an_error():
    assert "placeholders" in findings("Only {size} left", "Solo queda {talla}", "es")
    assert "placeholders" in findings("Only one left", "Solo queda {size}", "es")


@pytest.mark.parametrize(
    ("source", "text", "language"),
    [
        ("50% off socks", "50 % de descuento en calcetines", "es"),
        ("100% soft", "100 % sanft", "de"),
        ("100% dry", "100%ig trocken", "de"),
    ],
)
def test_a_percentage_is_no_placeholder(source, text, language):
    assert "placeholders" not in findings(source, text, language)


def test_an_icu_choice_keeps_its_head_and_translates_its_branches():
    source = "{count, plural, one {# pocket} other {# pockets}}"
    assert "placeholders" not in findings(source, "{count, plural, one {# bolsillo} other {# bolsillos}}", "es")
    assert "placeholders" in findings(source, "{cuenta, plural, one {# bolsillo} other {# bolsillos}}", "es")


def test_tags_may_move_with_the_grammar():
    assert findings("<b>Soft</b> and <i>light</i>", "<i>Leicht</i> und <b>weich</b>", "de") == []
    assert findings("Soft<br>Light", "Weich<br/>Leicht", "de") == []


@pytest.mark.parametrize(
    "text",
    [
        "Weicher Bund",
        "<b>Weicher Bund",
        "<b>Weicher</i> Bund",
        "<b Weicher</b> Bund",
        "<b>Weicher</b> <i>Bund</i>",
        "</b>Weicher<b> Bund",
    ],
)
def test_a_lost_added_or_broken_tag_is_an_error(text):
    assert "tags" in findings("<b>Soft</b> waistband", text, "de")


def test_a_link_keeps_its_address_and_may_translate_its_title():
    source = '<a href="/care" title="Care">Wash cold</a>'
    assert findings(source, '<a href="/care" title="Pflege">Kalt waschen</a>', "de") == []
    assert "tags" in findings(source, '<a href="/pflege" title="Pflege">Kalt waschen</a>', "de")


@pytest.mark.parametrize(
    "text",
    ["Weich <script>alert(1)</script>", '<img src="x" onerror="a()"> weich', "<a href='javascript:a()'>weich</a>"],
)
def test_markup_that_could_run_is_an_error(text):
    assert "unsafe-markup" in findings("Soft", text, "de")


def test_an_entity_may_become_its_character_but_not_be_escaped_twice():
    assert findings("Swim &amp; Hike", "Nadar &amp; Caminar", "es") == []
    assert findings("Swim &amp; Hike", "Nadar y caminar", "es") == []
    assert findings("Swim &amp; Hike", "Nadar &amp;amp; Caminar", "es") == ["entities"]
    assert findings("Swim & Hike", "Nadar &amp; Caminar", "es") == ["entities"]
