"""What a run leaves behind for the next: its clean translations, what every unit says, and nothing that is doubted."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from ketl.catalog.catalog import Catalog
from ketl.catalog.units import cut_texts
from ketl.checks.base import Finding, Severity
from ketl.memory.memory import Memory
from ketl.provider.protocol import Call
from ketl.results.outcome import Outcome, Status
from ketl.runs.feed import to_remember
from ketl.runs.outcome_log import OutcomeLog
from ketl.runs.preparation import Preparation
from ketl.runs.row_pass import RowPass
from ketl.runs.selection import Selection
from ketl.store.store import Store
from tests.fakes import FakeProvider, products, pseudo, selection, translate, translated

ERROR = Finding("numbers", Severity.ERROR, "The number 2 is missing.")
WARNING = Finding("length-ratio", Severity.WARNING, "Much shorter than the English.")


@pytest.fixture
def memory(store: Store) -> Memory:
    return Memory(store, "groq")


def kept(store: Store, memory: Memory, chosen: Selection, **change: object) -> list[str]:
    """Let a run end with these outcomes, all alike but for the change, and return what is remembered."""
    store.journal.start_run("run-1", engine="demo", mode="parallel", spec={}, counts={})
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
        outcome = clean._replace(**change)  # type: ignore[arg-type]
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


def test_a_text_that_kept_its_fault_is_asked_for_again_by_the_next_run(store: Store, memory: Memory) -> None:
    rows = [{"product_id": n, "product_name": f"Down Jacket of {n}50 grams"} for n in (1, 2)]
    chosen = selection(Catalog.of(rows), "es")
    chosen = replace(chosen, job=replace(chosen.job, memory=True))

    def loses_numbers(call: Call, user: dict[str, Any], number: int) -> str:
        lost = {key: re.sub(r"\d", "", pseudo(text, "es")) for key, text in user["segments"].items()}
        return translated(user, **lost)

    flawed = translate(FakeProvider(loses_numbers), chosen, store=store)
    assert flawed.report["translated"] == 2 and flawed.report["findings"]["numbers"] == 2
    assert list(memory.entries()) == []
    mended = FakeProvider()
    assert translate(mended, chosen, store=store).report["from_memory"] == 0
    assert len(mended.calls) == 2 and len(list(memory.entries())) == 2
    known = FakeProvider()
    assert translate(known, chosen, store=store).report["from_memory"] == 2
    assert known.calls == []
