"""Results as rows: one a unit, in the order of the catalogue, and how many of them ended how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ketl.catalog.catalog import Catalog
from ketl.catalog.products import Product
from ketl.catalog.units import Text, cut_texts
from ketl.checks.base import Finding
from ketl.language.languages import Language
from ketl.results.outcome import Outcome, Status

UnitKey = tuple[str, str, int | None, str]
"""Product id, field, position in a list field or None, language tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRow:
    """One unit with its end: a row of every table and file, columns as in the long CSV."""

    product_id: str
    product_name: str
    field: str
    item: int | None
    language: str
    language_tag: str
    source: str
    translation: str
    status: Status
    model: str
    findings: tuple[Finding, ...]
    seconds: float | None
    from_memory: bool
    reason: str


def unit_key(row: ResultRow) -> UnitKey:
    """Return what tells a row's unit from all others."""
    return (row.product_id, row.field, row.item, row.language_tag)


Find = Callable[[Sequence[tuple[bytes, str]]], Mapping[tuple[bytes, str], Outcome]]
"""Returns the outcomes of segments, given as text key and language tag; those without one are left out."""

NOT_STARTED = "The run ended before this text was translated. Run it again or resume the run."


def rows_of(
    catalog: Catalog | Iterable[Product],
    fields: Sequence[str],
    languages: Sequence[Language],
    find: Find,
    *,
    reason: str = NOT_STARTED,
    crossed: Mapping[UnitKey, tuple[Finding, ...]] | None = None,
) -> Iterator[ResultRow]:
    """Yield one row per unit: product by product, language by language, in the order of the fields.

    `find` returns the outcomes there are of some segments; a unit whose segment has none is cancelled, with
    `reason`; `crossed` are the findings that a look across cells added.
    """
    for product in catalog:
        texts = list(cut_texts(product, fields))
        found = find([(text.key, language.tag) for language in languages for text in texts])
        for language in languages:
            for text in texts:
                row = _row(product, text, language, found.get((text.key, language.tag)), reason)
                if crossed and (more := crossed.get(unit_key(row))):
                    row = replace(row, findings=row.findings + more)
                yield row


def _row(product: Product, text: Text, language: Language, outcome: Outcome | None, reason: str) -> ResultRow:
    return ResultRow(
        product_id=product.id,
        product_name=product.name,
        field=text.field,
        item=text.item,
        language=language.name,
        language_tag=language.tag,
        source=text.source,
        translation=outcome.text if outcome else "",
        status=outcome.status if outcome else Status.CANCELLED,
        model=outcome.model if outcome else "",
        findings=outcome.findings if outcome else (),
        seconds=outcome.seconds if outcome else None,
        from_memory=outcome.from_memory if outcome else False,
        reason=(outcome.reason if outcome else reason),
    )


@dataclass(slots=True)
class UnitCounts:
    """How many units ended how, how many came from the memory, and how often each check spoke up."""

    status: Counter[str] = field(default_factory=Counter)
    from_memory: int = 0
    findings: Counter[str] = field(default_factory=Counter)


def count_rows(rows: Iterable[ResultRow]) -> UnitCounts:
    """Return the counts of a run's rows."""
    counts = UnitCounts()
    for row in rows:
        counts.status[row.status] += 1
        counts.from_memory += row.from_memory
        for finding in row.findings:
            counts.findings[finding.id] += 1
    return counts
