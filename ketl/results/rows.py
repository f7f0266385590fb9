"""Gathers a run's outcomes: at hand while there is room, in the journal always, and back as rows in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ketl.catalog.catalog import Catalog, Product
from ketl.catalog.units import Text, cut_texts
from ketl.checks.base import Finding
from ketl.language.languages import Language
from ketl.results.across import UnitKey, unit_key
from ketl.results.outcome import Outcome, ResultRow, Status
from ketl.store import Store

# Above this many the outcomes live in the journal alone: about 100 MB at hand.
MOST_AT_HAND = 200_000
NOT_STARTED = "The run ended before this text was translated. Run it again or resume the run."


class Outcomes:
    """The outcomes of one run by segment id, journalled in batches.

    `flush` writes what is new; it may be called from another thread than `add`.
    """

    def __init__(self, run_id: str, store: Store | None) -> None:
        self._run_id = run_id
        self._store = store
        self._at_hand: dict[tuple[bytes, str], Outcome] = {}
        self._new: list[Outcome] = []
        self._spilled = False
        self.count = 0

    def add(self, outcome: Outcome) -> None:
        """Take one outcome in."""
        self.count += 1
        if not self._spilled:
            self._at_hand[outcome.key, outcome.language_tag] = outcome
        if self._store is not None:
            self._new.append(outcome)

    def get(self, key: tuple[bytes, str]) -> Outcome | None:
        """Return the outcome of a segment if it is at hand."""
        return self._at_hand.get(key)

    @property
    def pending(self) -> int:
        """How many outcomes wait to be journalled."""
        return len(self._new)

    def flush(self) -> None:
        """Write what is new into the journal; past `MOST_AT_HAND`, keep it there alone."""
        if self._store is None:
            return
        new, self._new = self._new, []
        if new:
            self._store.save_outcomes(self._run_id, new)
        if len(self._at_hand) > MOST_AT_HAND:
            self._spilled = True
            self._at_hand = {}

    def find(self, ids: Sequence[tuple[bytes, str]]) -> dict[tuple[bytes, str], Outcome]:
        """Return the outcomes of these segments, from the journal if they are not at hand."""
        if self._spilled and self._store is not None:
            return self._store.find_outcomes(self._run_id, ids)
        return {ident: self._at_hand[ident] for ident in ids if ident in self._at_hand}


def rows_of(
    catalog: Catalog | Iterable[Product],
    fields: Sequence[str],
    languages: Sequence[Language],
    outcomes: Outcomes,
    *,
    reason: str = NOT_STARTED,
    crossed: Mapping[UnitKey, tuple[Finding, ...]] | None = None,
) -> Iterator[ResultRow]:
    """Yield one row per unit: product by product, language by language, in the order of the fields.

    A unit whose segment has no outcome is cancelled, with `reason`; `crossed` are the findings that a look
    across cells added.
    """
    for product in catalog:
        texts = list(cut_texts(product, fields))
        found = outcomes.find([(text.key, language.tag) for language in languages for text in texts])
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
