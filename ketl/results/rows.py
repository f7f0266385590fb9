"""Results as rows: one a unit, in the order of the catalogue, and how many of them ended how."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ketl._batches import batches
from ketl.catalog.units import ProductTexts
from ketl.checks.base import Finding, Severity
from ketl.language.languages import Language
from ketl.results.outcome import Outcome, Status

UnitKey = tuple[str, str, int | None, str]
"""Product id, field, position in a list field or None, language tag."""


class ResultRow(NamedTuple):
    """One unit with its end: a row of every table and file, columns as in the long CSV.

    A tuple, because a run makes one for every unit it has, and making a frozen record takes six times as long.
    """

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
MOST_REASONS = 50
# So many products share one look for their outcomes, which may be a query.
_PRODUCTS_A_LOOK = 16


def rows_of(
    products: Iterable[ProductTexts],
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
    for batch in batches(products, _PRODUCTS_A_LOOK):
        found = find(segment_ids(batch, languages))
        for product in batch:
            rows = rows_of_product(product, languages, found, reason)
            yield from (_with(row, crossed) for row in rows) if crossed else rows


def segment_ids(products: Iterable[ProductTexts], languages: Sequence[Language]) -> list[tuple[bytes, str]]:
    """Return the ids of the segments of some products, in the order of their rows."""
    return [(text.key, language.tag) for product in products for language in languages for text in product.texts]


def rows_of_product(
    product: ProductTexts,
    languages: Sequence[Language],
    found: Mapping[tuple[bytes, str], Outcome],
    reason: str = NOT_STARTED,
) -> list[ResultRow]:
    """Return one product's rows from the outcomes `found` of its segments."""
    ident, name = product.product_id, product.product_name
    not_started = Outcome(key=b"", language_tag="", status=Status.CANCELLED, reason=reason)
    rows: list[ResultRow] = []
    for language in languages:
        tag = language.tag
        for _, field_name, item, _, source, key in product.texts:
            outcome = found.get((key, tag)) or not_started
            rows.append(
                ResultRow(
                    ident,
                    name,
                    field_name,
                    item,
                    language.name,
                    tag,
                    source,
                    outcome.text,
                    outcome.status,
                    outcome.model,
                    outcome.findings,
                    outcome.seconds,
                    outcome.from_memory,
                    outcome.reason,
                )
            )
    return rows


def _with(row: ResultRow, crossed: Mapping[UnitKey, tuple[Finding, ...]]) -> ResultRow:
    more = crossed.get(unit_key(row))
    return row._replace(findings=row.findings + more) if more else row


@dataclass(slots=True)
class UnitCounts:
    """How many units ended how, how many of them in an earlier part of the run, how many came from the memory,
    how many stand with a doubt (a finding of severity error or warning), how many of these are `wrong` (error)
    and by which checks, how often each check spoke up, and why units failed, the first `MOST_REASONS` of the
    reasons."""

    status: Counter[str] = field(default_factory=Counter)
    done_before: int = 0
    from_memory: int = 0
    doubted: int = 0
    wrong: int = 0
    findings: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    reasons: set[str] = field(default_factory=set)

    def add(self, row: ResultRow) -> None:
        """Take one row in."""
        self.status[row.status] += 1
        self.from_memory += row.from_memory
        if row.status is Status.FAILED and len(self.reasons) < MOST_REASONS:
            self.reasons.add(row.reason)
        if row.findings:
            self.doubted += row.status is Status.TRANSLATED and is_doubted(row.findings)
            for finding in row.findings:
                self.findings[finding.id] += 1
            if row.status is Status.TRANSLATED and (
                wrong := {f.id for f in row.findings if f.severity is Severity.ERROR}
            ):
                self.wrong += 1
                self.errors.update(wrong)


def is_doubted(findings: Iterable[Finding]) -> bool:
    """Whether a person should look at a translation with these findings."""
    return any(finding.severity is not Severity.INFO for finding in findings)


def count_rows(rows: Iterable[ResultRow]) -> UnitCounts:
    """Return the counts of a run's rows."""
    counts = UnitCounts()
    for row in rows:
        counts.add(row)
    return counts
