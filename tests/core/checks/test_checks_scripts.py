"""Letters: the right script, no third one, no look-alikes, no garbled bytes."""

from __future__ import annotations

import pytest

from ketl.checks import Severity, autofix, run_checks
from ketl.language.languages import find_language
from tests.core.checks.helpers import LIDWELL, findings, subject

SOURCE = "A thin glove for braking late, or early. Sold in pairs."


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("遅めのブレーキにも早めのブレーキにも使える薄手のグローブです。ペアでの販売です。", "ja"),
        ("一款薄手套，适合晚刹车，也适合早刹车。成双出售。", "zh"),
        ("늦게 잡든 일찍 잡든, 브레이크를 위한 얇은 장갑이에요. 한 켤레로 팔아요.", "ko"),
        ("قفاز رقيق للكبح المتأخر أو المبكر. يباع زوجًا.", "ar"),
        ("Тонкая перчатка для позднего торможения или раннего. Продаётся парой.", "ru"),
        ("Λεπτό γάντι για όσους φρενάρουν αργά ή νωρίς. Πωλείται σε ζευγάρια.", "el"),
        ("כפפה דקה לבלימה מאוחרת או מוקדמת. נמכרת בזוגות.", "he"),
        ("देर से या जल्दी ब्रेक लगाने के लिए एक पतला दस्ताना। जोड़े में बिकता है।", "hi"),
        ("ถุงมือบางสำหรับการเบรกช้าหรือเร็ว ขายเป็นคู่", "th"),
        ("Găng tay mỏng cho những cú phanh muộn hoặc sớm. Bán theo đôi.", "vi"),
    ],
)
def test_every_script_passes_in_its_language_and_fails_in_another(text, language):
    assert findings(SOURCE, text, language) == []
    wrong = "ja" if language not in ("ja", "zh") else "ru"
    assert findings(SOURCE, text, wrong)[-1] == "script"


@pytest.mark.parametrize(
    ("source", "text", "language", "kind"),
    [
        ("Lidwell Beanie", "Lidwell ビーニー", "ja", "title"),
        ("Gatelag Travel Pant (Slim Fit)", "Gatelag 旅行长裤（Slim Fit）", "zh", "title"),
        ("Lockable YKK zippers", "ロック可能なYKKジッパー", "ja", "list"),
        ("UPF 50+, Quick-dry", "UPF 50+、速乾性", "ja", "list"),
        ("Weight: 289g (taken from size M), DWR finish", "الوزن: 289 غ (للمقاس M)، معالجة DWR", "ar", "spec"),
        ("Water resistant, 5 µm membrane", "Водостойкая, мембрана 5 µm", "ru", "list"),
    ],
)
def test_names_codes_and_units_in_latin_letters_are_right(source, text, language, kind):
    assert findings(source, text, language, kind=kind, terms=(LIDWELL,)) == []


def test_a_word_of_a_third_script_is_an_error():
    assert findings("Soft waistband", "Мягкий 腰带 пояс", "ru") == ["third-script"]
    assert findings("Soft waistband", "Cintura мягкая suave", "es") == ["third-script"]
    assert "third-script" in findings("Soft waistband", "柔らかいウエスト 밴드", "ja")


def test_a_serbian_text_may_use_both_alphabets():
    assert findings("Soft waistband", "Mekan pojas", "sr") == []
    assert findings("Soft waistband", "Мекан појас", "sr") == []


@pytest.mark.parametrize(
    ("text", "language"), [("Сhaqueta ligera", "es"), ("Легкая кyртка", "ru"), ("Ελαφρύ μπoυφάν", "el")]
)
def test_a_look_alike_letter_is_found(text, language):
    assert "homoglyphs" in findings("Light jacket", text, language)


def test_a_latin_name_with_a_cyrillic_ending_is_no_homoglyph():
    assert findings("Lockable YKK zippers", "Запираемые молнии YKKовские", "ru") == []


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Pantalón de senderismo ligero".encode().decode("cp1252"), "es"),
        ("Leichte Mütze".encode().decode("cp1252"), "de"),
        ("L’ourlet arrière".encode().decode("cp1252"), "fr"),
        ("Kieszeń na zamek błyskawiczny".encode().decode("cp1252", "ignore"), "pl"),
        ("Chaqueta de mujer\ufffd", "es"),
        ("Chaqueta \ue000de mujer", "es"),
        ("Р›С‘РіРєР°СЏ РєСѓСЂС‚РєР°", "ru"),
    ],
)
def test_garbled_text_is_found(text, language):
    assert "mojibake" in findings("Light jacket for hikers", text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("MAÇÃ “MADURA”", "pt"),
        ("À l’été, « préféré » à Noël…", "fr"),
        ("FÅR – «på»", "nb"),
        ("Žluťoučký kůň – „šňůra“", "cs"),
    ],
)
def test_rare_but_right_letters_are_not_garbled(text, language):
    assert "mojibake" not in findings("Ripe apple", text, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("速乾性、通気性 as you asked", "ja"),
        ("Быстросохнущая ткань, kept the brand", "ru"),
        ("แห้งไว ระบายอากาศได้ดีมาก as requested", "th"),
    ],
)
def test_latin_words_of_the_models_own_are_a_warning(text, language):
    assert "latin-words" in findings("Quick-dry, Breathable", text, language, kind="list")


@pytest.mark.parametrize(
    ("source", "text", "language", "kind"),
    [
        ("Gatelag Travel Pant (Slim Fit)", "Gatelag 旅行长裤（Slim Fit）", "zh", "title"),
        ("Bottle, 21 fl oz", "ボトル、21 fl oz", "ja", "list"),
        ("Quick-dry", "[ja] Quick dry cloth here", "ja", "list"),
        ("Lidwell Neck Gaiter", "Шарф-труба Lidwell Neck Gaiter", "ru", "title"),
    ],
)
def test_latin_words_of_the_source_are_let_pass(source, text, language, kind):
    assert "latin-words" not in findings(source, text, language, kind=kind, terms=(LIDWELL,))


@pytest.mark.parametrize(
    ("right", "language"),
    [("el segundo día", "es"), ("L’ourlet", "fr"), ("كحلي", "ar"), ("Śliwkowy", "pl"), ("러스트", "ko")],
)
def test_garbled_text_is_found_after_the_automatic_fixes(right, language):
    """A soft hyphen or control character that is half of a garbled letter is not fixed away."""
    garbled = right.encode().decode("latin-1" if language == "fr" else "cp1252")
    mended = autofix(garbled, find_language(language), "Navy on day two")
    found = run_checks(subject("Navy on day two", mended, language))
    assert {"mojibake", "script"} & {finding.id for finding in found if finding.severity is Severity.ERROR}
