"""The checks that look at several translations at once: within a product, and between the options of a run."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from ketl.catalog.products import KIND_OF
from ketl.checks import Cell, Finding, check_product_options, check_run, find_outlier
from ketl.language.languages import Language
from ketl.results.outcome import Outcome
from ketl.results.rows import ResultRow, UnitKey, unit_key

# The options of runs up to so many units are compared with each other: in larger ones a finding would help nobody.
MOST_COMPARED = 50_000
_FEW_LANGUAGES = 4
_LONG_SOURCE = 40


def look_across_product(
    rows: Sequence[ResultRow], languages: Mapping[str, Language]
) -> Mapping[UnitKey, list[Finding]]:
    """Return what a look across the cells of one product finds, by unit: colliding options, the one language
    that lost something. `languages` are by tag.
    """
    found: dict[UnitKey, list[Finding]] = defaultdict(list)
    translated = [row for row in rows if row.translation]
    _check_options(translated, KIND_OF, found)
    if len(languages) >= _FEW_LANGUAGES:
        _check_languages(translated, languages, KIND_OF, found)
    return found


def compare_options(
    options: Iterable[tuple[bytes, str]],
    languages: Iterable[Language],
    outcomes: Mapping[tuple[bytes, str], Outcome],
) -> dict[tuple[bytes, str], Finding]:
    """Return what a look across the options of a run finds, by segment: one translated in several ways, one
    translation that stands for several.

    `options` are the key and the English text of each distinct option, in the order of the catalogue.
    """
    ids: list[tuple[bytes, str]] = []
    cells: list[Cell] = []
    tags = [language.tag for language in languages]
    for key, source in options:
        for tag in tags:
            outcome = outcomes.get((key, tag))
            if outcome is not None and outcome.text:
                ids.append((key, tag))
                cells.append(Cell(source, outcome.text, tag, "option"))
    found: dict[tuple[bytes, str], Finding] = {}
    for position, finding in check_run(cells):
        found.setdefault(ids[position], finding)
    return found


def _check_options(rows: list[ResultRow], kinds: Mapping[str, str], found: dict[UnitKey, list[Finding]]) -> None:
    lists: dict[tuple[str, str], list[ResultRow]] = defaultdict(list)
    for row in rows:
        if row.item is not None and kinds.get(row.field) == "option":
            lists[row.field, row.language_tag].append(row)
    for options in lists.values():
        collisions = check_product_options([(row.source, row.translation) for row in options])
        for position, finding in collisions.items():
            found[unit_key(options[position])].append(finding)


def _check_languages(
    rows: list[ResultRow],
    languages: Mapping[str, Language],
    kinds: Mapping[str, str],
    found: dict[UnitKey, list[Finding]],
) -> None:
    texts: dict[tuple[str, int | None], list[ResultRow]] = defaultdict(list)
    for row in rows:
        texts[row.field, row.item].append(row)
    for same in texts.values():
        if len(same) < _FEW_LANGUAGES or not _may_have_outlier(same, languages):
            continue
        translations = {row.language_tag: (languages[row.language_tag], row.translation, row.findings) for row in same}
        outlier = find_outlier(same[0].source, kinds.get(same[0].field, "prose"), translations)
        if outlier is not None:
            tag, finding = outlier
            found[unit_key(next(row for row in same if row.language_tag == tag))].append(finding)


def _may_have_outlier(rows: list[ResultRow], languages: Mapping[str, Language]) -> bool:
    """A quick look, since few texts have an outlier: a lost number or sentence is a finding, or it is short."""
    if any(row.findings for row in rows):
        return True
    if len(rows[0].source) < _LONG_SOURCE:
        return False
    shares = [len(row.translation) / languages[row.language_tag].expansion for row in rows]
    return min(shares) < 0.6 * median(shares)
