"""Terms are found in real product texts, and a faulty glossary is explained by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from ketl.errors import SettingsError
from ketl.language.glossary import Glossary, Term
from ketl.language.languages import find_language

HEADER = "term,language,rendering,do_not_translate,case_sensitive,part_of_speech,note\n"
GLOSSARY = Glossary(
    [
        Term("KETL Mtn. Apparel", do_not_translate=True, case_sensitive=True),
        Term("KETL", do_not_translate=True, case_sensitive=True),
        Term("Sunshirk", do_not_translate=True, case_sensitive=True),
        Term("Weight", ("Peso",), language_tag="es"),
        Term("Fabric weight", ("Gramaje",), language_tag="es"),
        Term("Zipper pocket", ("Bolsillo con cremallera",), language_tag="es"),
        Term("Hoodie", ("Sudadera con capucha",), language_tag="es"),
        Term("Hoodie", ("Hoodie",), language_tag="es-MX"),
        Term("Body", ("Cuerpo",), language_tag="es"),
        Term("Weight", ("Gewicht",), language_tag="de"),
    ]
)


def found(source: str, language: str) -> list[str]:
    return [term.term for term in GLOSSARY.occurring(source, find_language(language))]


@pytest.mark.parametrize(
    ("source", "terms"),
    [
        ("Weight: 121g, Fabric weight: 79gsm", ["Weight", "Fabric weight"]),
        ("FABRIC  WEIGHT: 79gsm", ["Fabric weight"]),
        ("2 zipper pockets, 1 zipper pocket", ["Zipper pocket"]),
        ("Lightweight, weightless", []),
        ("Bodies of two hoodies", ["Body", "Hoodie"]),
        ("KETL Mtn. Apparel Sunshirk", ["KETL Mtn. Apparel", "Sunshirk"]),
        ("a ketl and a SUNSHIRK", []),
    ],
)
def test_whole_words_the_longest_first_plurals_and_case(source: str, terms: list[str]) -> None:
    assert found(source, "Spanish") == terms


def test_only_terms_of_the_language_are_told() -> None:
    assert [t.renderings for t in GLOSSARY.occurring("Weight", find_language("German"))] == [("Gewicht",)]
    assert found("Weight", "French") == []


def test_a_region_uses_its_base_language_unless_it_says_otherwise() -> None:
    terms = GLOSSARY.occurring("Hoodie, Weight", find_language("Spanish (Mexico)"))
    assert [term.renderings[0] for term in terms] == ["Hoodie", "Peso"]


def test_protected_names_are_given_as_written() -> None:
    assert GLOSSARY.protected("The Sunshirk by KETL Mtn. Apparel: Sunshirk.") == ("Sunshirk", "KETL Mtn. Apparel")


def test_two_senses_of_a_word_are_both_told() -> None:
    orange = Glossary(
        [Term("Orange", (r,), language_tag="es", part_of_speech=p) for r, p in (("naranja", "n"), ("x", "a"))]
    )
    assert len(orange.occurring("Orange", "es")) == 2


def test_the_version_follows_the_content_not_the_order() -> None:
    assert Glossary(reversed(GLOSSARY.terms)).version == GLOSSARY.version
    assert Glossary(GLOSSARY.terms[1:]).version != GLOSSARY.version


def test_the_shipped_glossary_protects_our_names() -> None:
    shipped = Glossary.load()
    assert "Sunshirk" in shipped.protected("Sunshirk Sun Hoodie")
    assert [t.renderings[0] for t in shipped.occurring("Black", find_language("French"))] == ["Noir"]


def test_none_is_an_empty_glossary() -> None:
    assert Glossary.load("none").terms == ()


def test_a_file_of_ones_own_is_read_with_alternatives_and_forbidden_words(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    head = HEADER.replace(",note", ",note,forbidden")
    file.write_text(
        "\ufeff" + head + 'Black,SPANISH,"Negro | negra",no,,adj,"a, colour",prieto|oscuro\n\n', encoding="utf-8"
    )
    assert Glossary.load(file).terms == (
        Term("Black", ("Negro", "negra"), False, ("prieto", "oscuro"), False, "es", "adj", "a, colour"),
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("term,language\nBlack,es\n", "no column “rendering”"),
        (HEADER.replace("note", "note,colour"), "unknown column “colour”"),
        (HEADER + "Black,Klingonese,qIj,no,no,,\n", "line 2: The language “Klingonese”"),
        (HEADER + "Black,es,Negro,perhaps,no,,\n", "line 2: do_not_translate says “perhaps”"),
        (HEADER + "Black,es,,no,no,,\n", "line 2, gives “Black” neither"),
        (HEADER + "Black,,Negro,no,no,,\n", "line 2, gives “Black” a rendering without a language"),
        (HEADER + "…,es,Negro,no,no,,\n", "line 2, has no term"),
        (HEADER + "Black,es,Negro,no,no,,\nblack,es,Prieto,no,no,,\n", "line 3, repeats “black” of line 2"),
        (HEADER + "Black,es,Negro\n", "line 2, has 3 columns instead of 7"),
        ("", "no column “term”"),
    ],
)
def test_a_faulty_glossary_is_told_by_line(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "own.csv"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(SettingsError, match=said):
        Glossary.load(file)


def test_a_missing_or_misencoded_glossary_is_told(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        Glossary.load(tmp_path / "missing.csv")
    (tmp_path / "latin.csv").write_bytes((HEADER + "Size,de,Größe,no,no,,\n").encode("latin-1"))
    with pytest.raises(SettingsError, match="not UTF-8"):
        Glossary.load(tmp_path / "latin.csv")
