"""The merchandiser's decisions: approved, edited, sent back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ketl.catalog.products import KIND_OF
from ketl.catalog.units import text_key
from ketl.checks.base import Finding, Severity
from ketl.errors import UsageError
from ketl.memory.memory import Memory, Remembered
from ketl.results.outcome import Status
from ketl.results.rows import ResultRow
from ketl.store.records import Action, Decision
from ketl.store.store import Store

_WEIGHT = {Severity.ERROR: 100, Severity.WARNING: 10, Severity.INFO: 1}
_STANDS = (Status.TRANSLATED, Status.EDITED, Status.APPROVED)


def passed(row: ResultRow) -> bool:
    """Tell whether a row can be approved together with others unread: translated, and nothing doubted."""
    return row.status is Status.TRANSLATED and not any(f.severity is not Severity.INFO for f in row.findings)


def needs_a_look(row: ResultRow) -> bool:
    """Tell whether a person should read this row: it failed, or a check doubts it and nobody decided yet."""
    return row.status is Status.FAILED or (row.status is Status.TRANSLATED and not passed(row))


def worst_first(rows: Iterable[ResultRow]) -> list[ResultRow]:
    """Return the rows that need a look, failed ones first, then those with the gravest findings."""
    return sorted(filter(needs_a_look, rows), key=lambda row: -_gravity(row))


def _gravity(row: ResultRow) -> int:
    missing = 1000 if row.status is Status.FAILED else 0
    return missing + sum(_WEIGHT[finding.severity] for finding in row.findings)


def approve(store: Store, memory: Memory, run_id: str, rows: Iterable[ResultRow]) -> int:
    """Approve the translations of `rows` as they stand, lock them in the memory, and return how many.

    Raises UsageError when a row has no translation.
    """
    decided = []
    for row in rows:
        if row.status not in _STANDS or not row.translation.strip():
            raise UsageError(f"{_name(row)} has no translation to approve. Write one, or send it back.")
        decided.append((row, _decision(row, Action.APPROVED, row.translation)))
    return _keep(store, memory, run_id, decided)


def edit(store: Store, memory: Memory, run_id: str, row: ResultRow, text: str) -> None:
    """Put a person's own translation in the place of a row's and lock it in the memory.

    Raises UsageError when the text is blank.
    """
    if not text.strip():
        raise UsageError(f"{_name(row)}: the translation is blank. Write a text, or send the row back.")
    _keep(store, memory, run_id, [(row, _decision(row, Action.EDITED, text))])


def send_back(store: Store, memory: Memory, run_id: str, rows: Iterable[ResultRow], note: str = "") -> int:
    """Mark `rows` to be translated anew, forget what the memory has for them, and return how many.

    `note` says what was wrong and travels with the decision.
    """
    decisions = [_decision(row, Action.SENT_BACK, "", note) for row in rows]
    memory.forget({(decision.key, decision.language_tag) for decision in decisions})
    store.decisions.save(run_id, decisions)
    return len(decisions)


def sent_back(store: Store, run_id: str) -> list[Decision]:
    """Return the units of a run that wait to be translated anew, each with what was wrong with it."""
    return [d for d in store.decisions.of(run_id).values() if d.action is Action.SENT_BACK]


def withdraw(store: Store, memory: Memory, run_id: str, rows: Iterable[ResultRow]) -> None:
    """Undo the decisions about `rows`: the machine's translations stand again, unlocked."""
    decisions = [_decision(row, Action.SENT_BACK, "") for row in rows]
    memory.unlock({(decision.key, decision.language_tag) for decision in decisions})
    store.decisions.remove(run_id, decisions)


def with_decisions(
    rows: Iterable[ResultRow], decisions: Mapping[tuple[str, str, int | None, str], Decision]
) -> Iterator[ResultRow]:
    """Yield the rows of a run as a person left them (`decisions` as `store.decisions.of` returns them).

    An edited row drops the findings of the text it replaced; a row that was sent back counts as failed
    until it has been translated anew, so that no file takes it for a translation.
    """
    for row in rows:
        decision = decisions.get((row.product_id, row.field, row.item, row.language_tag))
        if decision is None:
            yield row
        elif decision.action is Action.SENT_BACK:
            reason = f"Sent back: {decision.note}" if decision.note else "Sent back to be translated again."
            yield row._replace(translation="", status=Status.FAILED, reason=reason)
        else:
            findings: tuple[Finding, ...] = row.findings if decision.action is Action.APPROVED else ()
            yield row._replace(
                translation=decision.text, status=Status(decision.action.value), findings=findings, reason=""
            )


def _keep(store: Store, memory: Memory, run_id: str, decided: list[tuple[ResultRow, Decision]]) -> int:
    memory.remember(
        (
            Remembered(
                key=decision.key,
                language_tag=row.language_tag,
                kind=KIND_OF.get(row.field, "prose"),
                source=row.source,
                translation=decision.text,
                status=Status(decision.action.value),
                model=row.model,
                run_id=run_id,
                findings=row.findings if decision.action is Action.APPROVED else (),
                product_id=row.product_id,
                field=row.field,
                item=row.item,
            )
            for row, decision in decided
        ),
        # The person is looking at this very row: the newer decision replaces the older one.
        overwrite=True,
    )
    store.decisions.save(run_id, (decision for _, decision in decided))
    return len(decided)


def _decision(row: ResultRow, action: Action, text: str, note: str = "") -> Decision:
    return Decision(
        product_id=row.product_id,
        field=row.field,
        item=row.item,
        language_tag=row.language_tag,
        key=text_key(KIND_OF.get(row.field, "prose"), row.source),
        action=action,
        text=text,
        note=note,
    )


def _name(row: ResultRow) -> str:
    return f"{row.product_name}, {row.field}, {row.language}"
