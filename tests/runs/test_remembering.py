"""What a run leaves behind for the next: its clean translations, what every unit says, and nothing that is doubted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ketl.catalog.units import cut_texts
from ketl.checks.base import Finding, Severity
from ketl.memory.memory import Memory
from ketl.results.outcome import Outcome, Status
from ketl.runs.feed import to_remember
from ketl.runs.outcome_log import OutcomeLog
from ketl.runs.preparation import Preparation
from ketl.runs.row_pass import RowPass
from ketl.runs.selection import Selection
from ketl.store.store import Store
from tests.fakes import products, selection

ERROR = Finding("numbers", Severity.ERROR, "The number 2 is missing.")
WARNING = Finding("length-ratio", Severity.WARNING, "Much shorter than the English.")


@pytest.fixture
def memory(store: Store) -> Memory:
    return Memory(store, "groq")


def kept(store: Store, memory: Memory, chosen: Selection, **change: object) -> list[str]:
    """Let a run end with these outcomes, all alike but for the change, and return what is remembered."""
    log = OutcomeLog("run-1", store, memory)
    recall = Preparation(chosen, memory).recall
    for asked in recall.of(list(recall.segments())):
        clean = Outcome(
            key=asked.text.key,
            language_tag=asked.item.segment.language.tag,
            status=Status.TRANSLATED,
            text="…" + asked.text.source,
            model="m",
        )
        outcome = replace(clean, **change)  # type: ignore[arg-type]
        log.add(outcome)
        entry = to_remember(asked, outcome, "run-1")
        if entry is not None:
            log.remember(entry)
    log.flush()
    log.close()
    RowPass(chosen, log, memory, None).run()
    return [entry.translation for entry in memory.entries()]


def test_clean_and_merely_marked_translations_are_remembered_once_a_text(store: Store, memory: Memory) -> None:
    chosen = selection(products(2, colors=("Black",)), "es")
    assert len(kept(store, memory, chosen, findings=(WARNING,))) == 7
    assert {entry.findings for entry in memory.entries()} == {(WARNING,)}
    assert {entry.run_id for entry in memory.entries()} == {"run-1"}


@pytest.mark.parametrize(
    "change",
    [
        {"findings": (WARNING, ERROR)},
        {"status": Status.FAILED},
        {"status": Status.CANCELLED},
        {"from_memory": True},
        {"model": ""},
    ],
    ids=["an error", "failed", "cancelled", "from the memory", "sent to no model"],
)
def test_what_is_doubted_missing_or_known_already_is_not_remembered(
    store: Store, memory: Memory, change: dict[str, object]
) -> None:
    assert kept(store, memory, selection(products(1), "es"), **change) == []


def test_every_units_text_is_noted_even_if_its_translation_is_not_remembered(store: Store, memory: Memory) -> None:
    kept(store, memory, selection(products(1), "es"), findings=(ERROR,))
    kept(store, memory, selection(products(1), "es"))
    changed = products(1).__class__.of([{"product_id": 1, "product_name": "Another Jacket"}])
    [text] = cut_texts(next(iter(changed)), ("name",))
    former = memory.former([text], "es")[("1", "name", None)]
    assert (former.source, former.translation) == ("Summit Jacket model 1", "…Summit Jacket model 1")
