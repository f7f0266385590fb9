"""The checks that look at several translations at once, made when a run has ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from itertools import groupby
from statistics import median

from ketl.checks import Cell, Finding, check_product_options, check_run, find_outlier
from ketl.language.languages import Language
from ketl.results.rows import ResultRow, UnitKey, unit_key

# The texts of so many units are compared across products; larger runs are checked product by product only.
MOST_COMPARED = 50_000
_FEW_LANGUAGES = 4
_LONG_SOURCE = 40


def cross_check(
    rows: Iterable[ResultRow], languages: Mapping[str, Language], kinds: Mapping[str, str], *, across: bool
) -> dict[UnitKey, tuple[Finding, ...]]:
    """Return what a look across cells finds, by unit: colliding options, one text translated differently, the
    one language that lost something.

    `rows` must come product by product; `languages` are by tag, `kinds` by field name; `across` compares
    between products, too, which holds a short string for every distinct text.
    """
    found: dict[UnitKey, list[Finding]] = defaultdict(list)
    order: list[UnitKey] = []
    cells: list[Cell] = []
    for _, group in groupby(rows, key=lambda row: row.product_id):
        product = [row for row in group if row.translation]
        _check_options(product, kinds, found)
        if len(languages) >= _FEW_LANGUAGES:
            _check_languages(product, languages, kinds, found)
        if across:
            for row in product:
                if kinds.get(row.field) == "option":
                    order.append(unit_key(row))
                    cells.append(Cell(row.source, row.translation, row.language_tag, "option"))
    for position, finding in check_run(cells):
        if not found.get(order[position]):
            found[order[position]].append(finding)
    return {key: tuple(findings) for key, findings in found.items()}


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
