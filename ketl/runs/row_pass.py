"""Follows a run in the order of the catalogue: its rows are made, compared, counted and written as products are done.

When the last answer is in, all that is left to do is what could not be done before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import chain

from ketl._batches import batches
from ketl.catalog.units import Text
from ketl.checks.base import Finding
from ketl.errors import KetlError, SettingsError
from ketl.logs import get_logger
from ketl.memory.memory import Memory
from ketl.results.across import MOST_COMPARED, compare_options, look_across_product
from ketl.results.outcome import Status
from ketl.results.rows import (
    ResultRow,
    UnitCounts,
    UnitKey,
    is_doubted,
    rows_of,
    rows_of_product,
    segment_ids,
    unit_key,
)
from ketl.runs.outcome_log import OutcomeLog
from ketl.runs.selection import Selection

logger = get_logger(__name__)

_PRODUCTS_A_LOOK = 32
_NOTED_AT_ONCE = 2_000

Write = Callable[[Iterable[ResultRow]], object]
"""Writes rows somewhere for people; called again when a look at all of them found more. May raise a KetlError."""


class RowPass:
    """The one pass over a run's rows, in a thread of its own beside the run.

    `counts` are the counts of its units, `crossed` the findings that a look across cells added, `unwritten` is
    why the rows could not be written, None when they were; all of them to be read when `run` has returned. `done` are
    the ids of the segments that had ended when the run was resumed.
    """

    def __init__(
        self,
        selection: Selection,
        log: OutcomeLog,
        memory: Memory | None,
        write: Write | None,
        done: Collection[tuple[bytes, str]] = (),
    ) -> None:
        self._done = done
        self.counts = UnitCounts()
        self.crossed: dict[UnitKey, tuple[Finding, ...]] = {}
        self.unwritten: KetlError | None = None
        self._selection = selection
        self._log = log
        self._memory = memory
        self._write = write
        self._by_tag = {language.tag: language for language in selection.languages}
        units = selection.census.texts * len(selection.languages)
        self._options: dict[bytes, str] | None = {} if units <= MOST_COMPARED else None
        self._to_note: list[Text] = []
        self._failed: KetlError | None = None

    def run(self) -> None:
        """Go through all rows; returns some time after the log was closed. Raises RunError when the database fails."""
        with self._log.followed():
            self._follow()

    def _follow(self) -> None:
        rows = self._rows()
        self._written(rows)
        deque(rows, maxlen=0)  # what is not written is counted all the same
        if self._failed is not None:
            raise self._failed
        self._note(at_least=1)
        if self._compare_options() and self._write is not None and self.unwritten is None:
            self._written(self._once_more())

    def _written(self, rows: Iterator[ResultRow]) -> None:
        if self._write is None:
            return
        try:
            self._write(rows)
        except KetlError as error:
            self.unwritten = error
        except Exception as error:  # whatever a writer stumbles over costs the file, not what was translated
            logger.exception("The rows could not be written")
            said = getattr(error, "strerror", None) or "an internal error"
            self.unwritten = SettingsError(f"The rows could not be written ({said}).")

    def _rows(self) -> Iterator[ResultRow]:
        # By products, not row by row: a generator within a generator would cost more than the rows.
        return chain.from_iterable(self._products())

    def _products(self) -> Iterator[list[ResultRow]]:
        try:
            yield from self._done_products()
        except KetlError as error:
            # Whoever writes must not take a fault of the database for one of the file.
            self._failed = error
            raise

    def _done_products(self) -> Iterator[list[ResultRow]]:
        languages, log = self._selection.languages, self._log
        for batch in batches(self._selection.cuttings, _PRODUCTS_A_LOOK):
            wanted = segment_ids(batch, languages)
            if self._done:
                self.counts.done_before += sum(ident in self._done for ident in wanted)
            found = log.find(wanted)
            if missing := [ident for ident in wanted if ident not in found]:
                log.wait_for(missing)
                found = log.find(wanted)
            for product in batch:
                rows = rows_of_product(product, languages, found, log.reason)
                yield self._crossed(rows)
                self._gather_options(product.texts, product.fresh)
                if self._memory is not None:
                    self._to_note += product.texts
            self._note(at_least=_NOTED_AT_ONCE)

    def _crossed(self, rows: list[ResultRow]) -> list[ResultRow]:
        """Return a product's rows with what a look across its cells finds, counted."""
        found = look_across_product(rows, self._by_tag)
        if found:
            for key, more in found.items():
                self.crossed[key] = tuple(more)
            rows = [
                row._replace(findings=(*row.findings, *found[unit_key(row)])) if unit_key(row) in found else row
                for row in rows
            ]
        add = self.counts.add
        for row in rows:
            add(row)
        return rows

    def _gather_options(self, texts: Iterable[Text], fresh: Iterable[bool]) -> None:
        if self._options is None:
            return
        for text, first in zip(texts, fresh, strict=True):
            if first and text.kind == "option":
                self._options[text.key] = text.source

    def _compare_options(self) -> bool:
        """Compare the options of all products with each other; tell whether that found anything."""
        if not self._options:
            return False
        languages = self._selection.languages
        ids = [(key, language.tag) for key in self._options for language in languages]
        found = compare_options(self._options.items(), languages, self._log.find(ids))
        if not found:
            return False
        added = False
        keys = {key for key, _ in found}
        for product in self._selection.cuttings:
            if keys.isdisjoint([text.key for text in product.texts]):
                continue
            outcomes = self._log.find(segment_ids([product], languages))
            texts = {(text.field, text.item): text.key for text in product.texts}
            for row in rows_of_product(product, languages, outcomes, self._log.reason):
                finding = found.get((texts[row.field, row.item], row.language_tag))
                if finding is not None and unit_key(row) not in self.crossed:
                    self.crossed[unit_key(row)] = (finding,)
                    self.counts.findings[finding.id] += 1
                    if row.status is Status.TRANSLATED and not is_doubted(row.findings):
                        self.counts.doubted += is_doubted((finding,))
                    added = True
        return added

    def _once_more(self) -> Iterator[ResultRow]:
        chosen = self._selection
        return rows_of(chosen.cuttings, chosen.languages, self._log.find, reason=self._log.reason, crossed=self.crossed)

    def _note(self, *, at_least: int) -> None:
        """Note which text every unit has now: it later tells that a unit's English has changed."""
        if self._memory is None or len(self._to_note) < at_least:
            return
        texts, self._to_note = self._to_note, []
        try:
            for language in self._selection.languages:
                self._memory.note_units(texts, language.tag)
        except KetlError:
            logger.exception("The notes of what every unit says now could not be kept")
