"""What a person decided about the translations of a run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import and_, delete, select

from ketl._batches import batches
from ketl.catalog.products import clean_text
from ketl.store.database import BATCH, Database
from ketl.store.records import Action, Decision
from ketl.store.tables import DECISIONS, NO_ITEM


class Decisions:
    """The decisions in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, run_id: str, decisions: Iterable[Decision]) -> None:
        """Write a person's decisions about units of a run, later ones over earlier ones."""
        now = self._database.clock()
        statement = self._database.upsert(
            DECISIONS,
            ["run_id", "product_id", "field", "item", "language_tag"],
            ["key", "action", "text", "note", "decided_at"],
        )
        for batch in batches((_to_row(run_id, decision, now) for decision in decisions), BATCH):
            with self._database.transaction() as connection:
                connection.execute(statement, batch)

    def of(self, run_id: str) -> dict[tuple[str, str, int | None, str], Decision]:
        """Return the decisions of a run by unit: product id, field, item, language tag."""
        wanted = select(DECISIONS).where(DECISIONS.c.run_id == run_id).order_by(DECISIONS.c.decided_at)
        with self._database.transaction() as connection:
            made = (_from_row(row) for row in connection.execute(wanted))
            return {decision.unit: decision for decision in made}

    def remove(self, run_id: str, decisions: Iterable[Decision]) -> None:
        """Forget decisions, as after a unit that was sent back has been translated anew."""
        with self._database.transaction() as connection:
            for decision in decisions:
                connection.execute(
                    delete(DECISIONS).where(
                        and_(
                            DECISIONS.c.run_id == run_id,
                            DECISIONS.c.product_id == decision.product_id,
                            DECISIONS.c.field == decision.field,
                            DECISIONS.c.item == (NO_ITEM if decision.item is None else decision.item),
                            DECISIONS.c.language_tag == decision.language_tag,
                        )
                    )
                )


def _to_row(run_id: str, decision: Decision, now: float) -> dict[str, Any]:
    return {
        "run_id": run_id,
        "product_id": decision.product_id,
        "field": decision.field,
        "item": NO_ITEM if decision.item is None else decision.item,
        "language_tag": decision.language_tag,
        "key": decision.key,
        "action": decision.action.value,
        "text": clean_text(decision.text),
        "note": clean_text(decision.note),
        "decided_at": now,
    }


def _from_row(row: Any) -> Decision:
    return Decision(
        product_id=row.product_id,
        field=row.field,
        item=None if row.item == NO_ITEM else row.item,
        language_tag=row.language_tag,
        key=bytes(row.key),
        action=Action(row.action),
        text=row.text,
        note=row.note,
        decided_at=row.decided_at,
    )
