"""The memory's key follows what is sent, and nothing else; an answer is held to what the run was told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ketl.catalog.units import Segment, text_key
from ketl.checks.base import Severity
from ketl.language.brand_voice import BrandVoice, Formality
from ketl.language.glossary import Glossary, Term
from ketl.language.languages import find_language
from ketl.prompts import wording
from ketl.prompts.brief import Brief
from ketl.provider.models import model_facts

SPANISH = find_language("es")
TITLE = "Summit Jacket by Sunshirk"
TERMS = (
    Term("Jacket", ("chaqueta", "anorak"), language_tag="es"),
    Term("Summit", ("cumbre",), language_tag="es"),
    Term("Sunshirk", do_not_translate=True),
)
FRENCH = {"fr": Formality("formal", "vous")}
VOICE = BrandVoice("Fell & Fen", "a dry voice", {"es": Formality("informal", "tú")})


def segment(source: str = TITLE, kind: str = "title", tag: str = "es") -> Segment:
    return Segment(text_key(kind, source), kind, source, find_language(tag))


def key(
    terms: tuple[Term, ...] = TERMS, voice: BrandVoice = VOICE, source: str = TITLE, pinned: Glossary | None = None
) -> str:
    brief = Brief(Glossary(terms), voice)
    return brief.fingerprint(brief.prepare(segment(source), pinned or Glossary()))


@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("the brand", key(voice=replace(VOICE, brand="Moor & Mire"))),
        ("the voice", key(voice=replace(VOICE, voice="a loud voice"))),
        ("the form of address", key(voice=replace(VOICE, formalities={"es": Formality("formal", "usted")}))),
        ("the rendering asked for", key((replace(TERMS[0], renderings=("anorak", "chaqueta")), *TERMS[1:]))),
        ("one term less", key(TERMS[1:])),
        ("a name that may be translated", key(TERMS[:2])),
        ("a term that the run fixed", key(pinned=Glossary([Term("by", ("de",), language_tag="es")]))),
        ("the text", key(source="Summit Jacket for Sunshirk")),
    ],
)
def test_each_thing_that_is_sent_changes_the_key_alone(what: str, changed: str) -> None:
    assert changed != key(), what


@pytest.mark.parametrize(
    ("what", "same"),
    [
        ("the order of the glossary's lines", key(TERMS[::-1])),
        ("a term that is not in the text", key((*TERMS, Term("Sock", ("calcetín",), language_tag="es")))),
        ("a second rendering, which is not sent", key((replace(TERMS[0], renderings=("chaqueta", "x")), *TERMS[1:]))),
        ("another language's address", key(voice=replace(VOICE, formalities=VOICE.formalities | FRENCH))),
        ("a note for people", key((replace(TERMS[0], note="not the book's"), *TERMS[1:]))),
    ],
)
def test_what_no_model_ever_sees_does_not_change_the_key(what: str, same: str) -> None:
    assert same == key(), what


@pytest.mark.parametrize("name", ["_SYSTEM", "build_user"])
def test_another_wording_is_another_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    before = key()
    if name == "_SYSTEM":
        monkeypatch.setattr(wording, name, wording._SYSTEM.replace("You translate", "Please translate"))
    else:
        whole = wording.build_user
        monkeypatch.setattr(wording, name, lambda *args, **more: whole(*args, **more).replace("segments", "texts"))
    assert key() != before


def test_what_travels_is_what_the_key_stands_for() -> None:
    brief = Brief(Glossary(TERMS), VOICE)
    call = brief.call([brief.prepare(segment())], SPANISH, model_facts("openai/gpt-oss-120b"), 99, {})
    assert "Fell & Fen" in call.system and "a dry voice" in call.system
    assert '"glossary":{"Summit":"cumbre","Jacket":"chaqueta"}' in call.user
    assert '"style":"informal: tú"' in call.user and "anorak" not in call.user
    assert '"title1":"Summit Jacket by ⟦1⟧"' in call.user and '"placeables":{"title1":{"1":"Sunshirk"}}' in call.user


def graded(source: str, answer: str, *, brief: Brief, tag: str = "es", kind: str = "prose") -> dict[str, Severity]:
    _, findings = brief.judge.grade(brief.prepare(segment(source, kind, tag)), answer)
    return {finding.id: finding.severity for finding in findings}


def test_a_lost_placeable_is_an_error_and_a_kept_one_comes_back() -> None:
    brief = Brief(Glossary(), BrandVoice())
    prepared = brief.prepare(segment("Only {count} left.", "prose"))
    text, findings = brief.judge.grade(prepared, "Solo quedan ⟦1⟧.")
    assert (text, findings) == ("Solo quedan {count}.", ())
    assert graded("Only {count} left.", "Solo quedan pocos.", brief=brief)["placeables"] is Severity.ERROR


def test_the_brands_form_of_address_is_checked() -> None:
    source, answer = "Pack your jacket. You will need it.", "Pack deine Jacke ein. Du wirst sie brauchen."
    formal = Brief(Glossary(), BrandVoice(formalities={"de": Formality("formal", "Sie")}))
    assert "formality" in graded(source, answer, brief=formal, tag="de")
    assert "formality" not in graded(source, answer, brief=Brief(Glossary(), BrandVoice()), tag="de")


def test_the_profiles_field_lengths_are_checked() -> None:
    source, answer = "Jacket " * 20, "Chaqueta " * 17
    assert len(answer.strip()) > 150
    merchant = Brief(Glossary(), BrandVoice(), "google-merchant")
    assert graded(source.strip(), answer.strip(), brief=merchant, kind="title")["max-length"] is Severity.ERROR
    free = Brief(Glossary(), BrandVoice())
    assert "max-length" not in graded(source.strip(), answer.strip(), brief=free, kind="title")
