"""Checks across cells: options, equal texts of a run, the one language that lost something."""

from __future__ import annotations

from ketl.checks import Cell, Finding, Severity, check_product_options, check_run, find_outlier
from ketl.language.languages import find_language


def test_two_options_with_one_translation_are_an_error_for_both():
    found = check_product_options([("Navy", "Azul"), ("Black", "Negro"), ("Sky Blue", "azul ")])
    assert sorted(found) == [0, 2]
    assert found[0].severity is Severity.ERROR
    assert found[0].message == "“Navy” and “Sky Blue” are both “Azul”: the shop could not tell the variants apart."


def test_spellings_of_one_option_may_share_a_translation():
    assert check_product_options([("Grey", "Gris"), ("Gray", "Gris"), ("Red", "Rojo")]) == {}


def test_failed_options_are_not_compared():
    assert check_product_options([("Navy", ""), ("Black", "")]) == {}


def test_equal_texts_with_several_translations_are_told_once_each():
    cells = [
        Cell("Quick-dry", "Secado rápido", "es", "list"),
        Cell("Quick-dry", "Seca rápido", "es", "list"),
        Cell("quick-dry ", "secado rápido", "es", "list"),
        Cell("Quick-dry", "Sèche vite", "fr", "list"),
        Cell("Quick-dry", "De secado rápido", "es", "title"),
    ]
    assert [(place, finding.id) for place, finding in check_run(cells)] == [(1, "inconsistent")]


def test_one_translation_for_two_colours_of_a_run_is_told():
    cells = [
        Cell("Navy", "Azul", "es", "option"),
        Cell("Sky Blue", "Azul", "es", "option"),
        Cell("Navy", "Blu", "it", "option"),
    ]
    assert [(place, finding.id) for place, finding in check_run(cells)] == [(1, "reused")]


SOURCE = "Warm enough for coffee at camp. It squeezes down to the size of a loaf of bread. Weight: 121g."
TEXTS = {
    "es": "Abriga lo justo para el café en el campamento. Se comprime al tamaño de una barra de pan. Peso: 121 g.",
    "de": "Warm genug für den Kaffee im Camp. Sie schrumpft auf die Größe eines Kastenbrots. Gewicht: 121 g.",
    "ja": "キャンプでコーヒーを飲むには十分暖かく、食パン一斤ほどの大きさまで縮みます。重量：121g。",
    "ru": "Достаточно тёплая для кофе у палатки. Сжимается до размеров буханки хлеба. Вес: 121 г.",
    "ar": "دافئة بما يكفي لقهوة المخيم. تنضغط حتى حجم رغيف خبز صغير. الوزن: ١٢١ غ.",
}


def cells(**changed):
    return {tag: (find_language(tag), changed.get(tag, text), ()) for tag, text in TEXTS.items()}


def test_no_language_is_odd_when_all_kept_everything():
    assert find_outlier(SOURCE, "prose", cells()) is None


def test_the_language_that_lost_a_number_is_named():
    tag, finding = find_outlier(SOURCE, "prose", cells(de=TEXTS["de"].replace("121 g", "leicht")))
    assert (tag, finding.id, finding.severity) == ("de", "outlier", Severity.INFO)
    assert "121" in finding.message


def test_the_language_that_lost_a_sentence_is_named():
    short = "Abriga para el café. Peso: 121 g."
    tag, finding = find_outlier(SOURCE, "prose", cells(es=short))
    assert tag == "es"
    assert "shorter" in finding.message


def test_the_only_language_with_an_error_is_named():
    table = cells()
    table["ru"] = (*table["ru"][:2], (Finding("units", Severity.ERROR, "The unit is missing."),))
    assert find_outlier(SOURCE, "prose", table)[0] == "ru"


def test_three_languages_are_too_few_to_call_one_odd():
    table = {tag: cell for tag, cell in cells(de="Warm.").items() if tag in ("es", "de", "ja")}
    assert find_outlier(SOURCE, "prose", table) is None
