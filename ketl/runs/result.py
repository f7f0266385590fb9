"""What a run left: its report, and its rows, which are made when they are iterated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ketl.catalog.products import Product
from ketl.catalog.units import ProductTexts, cut_products
from ketl.errors import KetlError
from ketl.formats.frames import row_frames, to_frame
from ketl.planning.plan import RunPlan
from ketl.results.rows import NOT_STARTED, ResultRow, UnitCounts, UnitKey, rows_of
from ketl.results.tally import Tally
from ketl.runs.outcome_log import OutcomeLog
from ketl.runs.selection import Selection

if TYPE_CHECKING:
    import pandas


@dataclass(slots=True)
class RunResult:
    """What a run left: its report, and its rows, which are made when they are iterated.

    `stopped` is what ended the run early, None when it ran to its end; `counts` say how its units ended;
    `unwritten` is why the rows could not be written as they came, None when they were or nobody asked;
    `unsaved` is why the journal lacks some of it, None when it has all.
    """

    run_id: str
    status: str
    report: dict[str, Any]
    selection: Selection
    plan: RunPlan
    tally: Tally
    log: OutcomeLog
    counts: UnitCounts
    reason: str = ""
    stopped: KetlError | None = None
    unwritten: KetlError | None = None
    unsaved: KetlError | None = None
    crossed: Mapping[UnitKey, tuple[Any, ...]] = field(default_factory=dict)

    def rows(self) -> Iterator[ResultRow]:
        """Yield one row per unit, in the order of the catalogue."""
        return self._rows_of(self.selection.cuttings)

    def rows_of_product(self, product: Product) -> Iterator[ResultRow]:
        """Yield the rows of one product of the selection."""
        return self._rows_of(cut_products([product], self.selection.fields))

    def _rows_of(self, products: Iterable[ProductTexts]) -> Iterator[ResultRow]:
        reason = self.reason or NOT_STARTED
        return rows_of(products, self.selection.languages, self.log.find, reason=reason, crossed=self.crossed)

    def to_frame(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per unit and the columns of the long CSV."""
        return to_frame(self.rows())

    def frames(self, chunk_rows: int = 50_000) -> Iterator[pandas.DataFrame]:
        """Yield the rows of `to_frame` in frames of at most `chunk_rows`, for runs larger than the memory."""
        return row_frames(self.rows(), chunk_rows)
