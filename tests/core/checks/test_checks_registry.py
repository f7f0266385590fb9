"""What holds for every check: identity, label, order, silence, and the automatic fixes."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketl.catalog.products import FIELD_NAMES
from ketl.catalog.units import cut_products
from ketl.checks import LABELS, REGISTRY, Finding, Severity, Subject, autofix, has_error, run_checks, tidy
from ketl.formats.catalog_files import load_products
from ketl.language.glossary import Glossary
from ketl.language.languages import LANGUAGES, find_language

ANY_LANGUAGE = st.sampled_from(LANGUAGES)
ANY_TEXT = st.text(max_size=120) | st.text("aé ا日!?¿.:; \u00a0\u200b\u202f\u0301<>{}%\"'()0123,", max_size=60)


@pytest.mark.parametrize("check", REGISTRY.values(), ids=lambda check: check.id)
def test_every_check_has_a_label_and_admits_its_false_alarms(check):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", check.id)
    assert 4 < len(check.label) < 70
    assert check.false_alarms
    assert LABELS[check.id] == check.label


def texts_of(products):
    return [
        pair
        for product in cut_products(products, FIELD_NAMES)
        for pair in zip(product.texts, product.fresh, strict=True)
    ]


# Written out, so that no check grows milder unseen: an error stops a text, the others only mark it.
SEVERITIES = {
    Severity.ERROR: """
        chatter codes currency do-not-translate empty error-text forbidden-terms homoglyphs max-length mojibake
        numbers placeholders refusal runaway script tags third-script truncated units unsafe-markup untranslated urls
    """,
    Severity.WARNING: """
        brackets bullets dimension-order entities formality glossary invisible language latin-words length-ratio
        line-breaks number-format same-as-source small-number spaces
    """,
    Severity.INFO: """
        capitals end-punctuation repeated-word typography
    """,
}


def test_every_check_is_as_grave_as_is_written_here():
    written = {ident: severity for severity, idents in SEVERITIES.items() for ident in idents.split()}
    assert {check.id: check.severity for check in REGISTRY.values()} == written


def test_errors_come_from_facts_not_from_style():
    errors = {check.id for check in REGISTRY.values() if check.severity is Severity.ERROR}
    assert {"empty", "chatter", "numbers", "units", "placeholders", "tags", "script", "untranslated"} <= errors
    assert not errors & {
        "glossary",
        "language",
        "length-ratio",
        "typography",
        "formality",
        "capitals",
        "end-punctuation",
    }


def test_a_reply_that_is_no_translation_silences_the_checks_after_it():
    spanish = find_language("es")
    found = run_checks(Subject("Weight: 121g\n<b>UPF 50+</b>", "I'm sorry, I can't.", language=spanish))
    assert [finding.id for finding in found] == ["refusal"]


def test_has_error_looks_at_severity():
    assert has_error([Finding("a", Severity.INFO, ""), Finding("b", Severity.ERROR, "")])
    assert not has_error([Finding("a", Severity.WARNING, "")])
    assert not has_error([])


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT, ANY_TEXT, ANY_LANGUAGE, st.sampled_from(["title", "list", "spec", "prose", "option"]))
def test_no_text_breaks_a_check(source, translation, language, kind):
    for finding in run_checks(Subject(source, translation, language=language, kind=kind)):
        assert finding.id in REGISTRY
        assert finding.message.strip()


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT, ANY_TEXT, ANY_LANGUAGE)
def test_fixing_twice_changes_nothing_more(source, translation, language):
    once = autofix(translation, language, source)
    assert autofix(once, language, source) == once
    assert tidy(tidy(translation, language, source), language, source) == tidy(translation, language, source)


@settings(max_examples=200, deadline=None)
@given(ANY_TEXT, ANY_LANGUAGE)
def test_fixes_touch_no_letter_and_no_digit(translation, language):
    def core(text):
        return [char for char in tidy(text, language, "") if char.isalnum()]

    assert core(autofix(translation, language, translation)) == core(translation)


@pytest.mark.parametrize(
    ("text", "fixed", "language"),
    [
        ("Weicher\u200b  Bund ", "Weicher Bund", "de"),
        ("Gru\u0308n", "Grün", "de"),
        ("Weicher Bund , für dich !", "Weicher Bund, für dich!", "de"),
        (
            "Prêt pour la pluie dans les bois? Oui: toujours!",
            "Prêt pour la pluie dans les bois\u202f? Oui\u202f: toujours\u202f!",
            "fr",
        ),
        (
            "Prêt pour la pluie dans les bois? Oui: toujours!",
            "Prêt pour la pluie dans les bois? Oui: toujours!",
            "fr-CA",
        ),
        ("Te gusta la lluvia en el bosque? Pues sal!", "¿Te gusta la lluvia en el bosque? ¡Pues sal!", "es"),
        ("¿Te gusta la lluvia en el bosque?", "¿Te gusta la lluvia en el bosque?", "es"),
    ],
)
def test_safe_fixes_are_made(text, fixed, language):
    assert autofix(text, find_language(language), "Soft waistband") == fixed


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("می\u200cشود", "fa"),
        ("นุ่ม\u200bมาก", "th"),
        ("Voir https://ketlmtn.example/a?b=1 à 21:30 :)", "fr"),
        ("Wëïght: 121g!", "fr"),
    ],
)
def test_what_belongs_there_is_not_fixed_away(text, language):
    assert autofix(text, find_language(language), text) == text


ACCENTS = str.maketrans("aeiouyncsAEIOU", "áéíóúýñçšÁÉÍÓÚ")
CYRILLIC = str.maketrans("abcdefghijklmnopqrstuvwxyz", "абцдефгхийклмнопкрстуввхыз")
KATAKANA = str.maketrans("abcdefghijklmnopqrstuvwxyz", "アブクデエフガヒイジクルムノオプクルストウブワスヤズ")
ARABIC = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ابكديفجهيجكلمنوبقرستوفوسيز")
PSEUDO = {"es": ACCENTS, "de": ACCENTS, "pl": ACCENTS, "ru": CYRILLIC, "ja": KATAKANA, "ar": ARABIC}


@pytest.mark.parametrize("tag", PSEUDO)
def test_a_pseudo_translation_that_keeps_the_facts_has_no_finding(tag):
    """Another server's made-up texts hold no word of the language: only facts may be judged in them."""
    language, glossary = find_language(tag), Glossary.load()
    kept = r"\S*\d\S*|\b[A-Z]{2,}\b|\b[SML]\b|(?<=\d )(?:oz|lb|cm|mm|km|L)\b"
    for text, first in texts_of(load_products()):
        if not first:
            continue
        terms = glossary.occurring(text.source, language)
        names = "|".join(re.escape(term.term) for term in terms if term.do_not_translate)
        pattern = re.compile(f"({names}|{kept})|[A-Za-z]+" if names else f"({kept})|[A-Za-z]+")
        pseudo = pattern.sub(
            lambda found: (
                found[0]
                if found[1]
                else (found[0] if tag in ("es", "de", "pl") else found[0].lower()).translate(PSEUDO[tag])
            ),
            text.source,
        )
        if pseudo == text.source:
            continue
        assert run_checks(Subject(text.source, pseudo, language=language, kind=text.kind, terms=terms)) == (), pseudo


WRAPPED = "Weicher Bund mit Kordel"


@pytest.mark.parametrize(
    "text",
    [
        f'"{WRAPPED}"',
        f"„{WRAPPED}“",
        f"```\n{WRAPPED}\n```",
        f"```text\n{WRAPPED}\n```",
        f"**{WRAPPED}**",
        f"Translation: {WRAPPED}",
        f"Übersetzung: {WRAPPED}",
        f"Here is the translation: {WRAPPED}",
        f"Sure! Here's the German translation:\n\n{WRAPPED}",
        f'Here is your translation: "{WRAPPED}"',
    ],
)
def test_what_a_model_wraps_around_a_translation_is_taken_away(text):
    assert autofix(text, find_language("de"), "Soft waistband with drawcord") == WRAPPED


@pytest.mark.parametrize(
    ("text", "source"),
    [
        ('"Schnell" wie "Blitz"', "Quick as lightning"),
        ('"Schnell"', '"Quick"'),
        ("**Neu**", "**New**"),
        ("Übersetzung: 1:2", "Translation: 1:2"),
        ("Hier ist dein Text: der Rucksack", "Here is your text: the backpack"),
        ('Bund 12"', 'Waist 12"'),
        ("```", "Soft"),
        ('""', "Soft"),
    ],
)
def test_what_belongs_to_the_text_stays_around_it(text, source):
    assert autofix(text, find_language("de"), source) == text


def test_skipping_checks_changes_no_finding():
    """Checks whose traits are absent are not run; run all the same, they have nothing to say."""
    glossary = Glossary.load()
    texts = [text.source for text, _ in texts_of(load_products())]
    spanish, russian = find_language("es"), find_language("ru")
    for source, other in pairwise(texts):
        for language in (spanish, russian):
            subject = Subject(source, other, language=language, terms=glossary.occurring(source, language))
            for check in REGISTRY.values():
                if check.needs and not check.needs & subject.traits:
                    assert list(check.run(subject)) == [], check.id


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT, ANY_TEXT, ANY_LANGUAGE)
def test_a_check_without_its_traits_has_nothing_to_say_of_any_text(source, translation, language):
    subject = Subject(source, translation, language=language)
    for check in REGISTRY.values():
        if check.needs and not check.needs & subject.traits:
            assert list(check.run(subject)) == [], check.id
