"""A person's decisions stand in every file, are locked in the memory, and can be undone."""

from __future__ import annotations

import pytest

from ketl.catalog.units import Segment, text_key
from ketl.checks.base import Finding, Severity
from ketl.errors import UsageError
from ketl.language.languages import find_language
from ketl.memory import review
from ketl.memory.memory import Memory, Remembered
from ketl.results.outcome import Status
from ketl.results.rows import ResultRow
from ketl.store.store import Store

replace = ResultRow._replace

DOUBT = (Finding("numbers", Severity.WARNING, "The number 121 is missing."),)
BLACK = ResultRow(
    product_id="2",
    product_name="Gatelag Travel Pant",
    field="colors",
    item=0,
    language="Spanish",
    language_tag="es",
    source="Black",
    translation="Negro",
    status=Status.TRANSLATED,
    model="llama-3.3-70b-versatile",
    findings=(),
    seconds=0.4,
    from_memory=False,
    reason="",
)
DOUBTED = replace(BLACK, item=1, source="Pine", translation="Piña", findings=DOUBT)
FAILED = replace(BLACK, item=2, source="Khaki", translation="", status=Status.FAILED, reason="No answer.")


@pytest.fixture
def memory(store: Store) -> Memory:
    memory = Memory(store, "demo")
    memory.remember(
        Remembered(
            key=text_key("option", row.source), language_tag="es", kind="option", source=row.source,
            translation=row.translation, fingerprint="prompt-1", product_id="2", field="colors", item=row.item,
        )
        for row in (BLACK, DOUBTED)
    )  # fmt: skip
    return memory


def recalled(memory: Memory, row: ResultRow) -> tuple[str, Status] | None:
    wanted = Segment(text_key("option", row.source), "option", row.source, find_language("Spanish"))
    found = memory.recall({wanted.id: "prompt-1"}).get(wanted.id)
    return (found.text, found.status) if found else None


def left(store: Store, *rows: ResultRow) -> list[tuple[str, Status]]:
    return [(row.translation, row.status) for row in review.with_decisions(rows, store.decisions.of("run-1"))]


def test_rows_are_sorted_into_those_that_passed_and_those_to_read_worst_first() -> None:
    info = replace(BLACK, findings=(Finding("capitals", Severity.INFO, "Capital letters."),))
    assert [review.passed(row) for row in (BLACK, info, DOUBTED, FAILED)] == [True, True, False, False]
    assert review.worst_first([BLACK, DOUBTED, FAILED]) == [FAILED, DOUBTED]


def test_approved_rows_keep_their_text_and_are_locked(store: Store, memory: Memory) -> None:
    assert review.approve(store, memory, "run-1", [BLACK, DOUBTED]) == 2
    assert left(store, BLACK, DOUBTED, FAILED) == [
        ("Negro", Status.APPROVED),
        ("Piña", Status.APPROVED),
        ("", Status.FAILED),
    ]
    assert recalled(memory, BLACK) == ("Negro", Status.APPROVED)


def test_an_edit_replaces_text_findings_and_reason(store: Store, memory: Memory) -> None:
    review.edit(store, memory, "run-1", DOUBTED, "Pino")
    review.edit(store, memory, "run-1", FAILED, "Caqui")
    shown = list(review.with_decisions([DOUBTED, FAILED], store.decisions.of("run-1")))
    assert [(r.translation, r.status, r.findings, r.reason) for r in shown] == [
        ("Pino", Status.EDITED, (), ""),
        ("Caqui", Status.EDITED, (), ""),
    ]
    review.edit(store, memory, "run-1", shown[0], "Verde pino")
    assert recalled(memory, DOUBTED) == ("Verde pino", Status.EDITED)


def test_a_row_sent_back_is_forgotten_waits_and_is_in_no_file_as_a_translation(store: Store, memory: Memory) -> None:
    review.send_back(store, memory, "run-1", [DOUBTED], "Piña is the fruit.")
    assert recalled(memory, DOUBTED) is None
    assert [decision.note for decision in review.sent_back(store, "run-1")] == ["Piña is the fruit."]
    assert left(store, BLACK, DOUBTED) == [("Negro", Status.TRANSLATED), ("", Status.FAILED)]


def test_a_decision_can_be_withdrawn(store: Store, memory: Memory) -> None:
    review.edit(store, memory, "run-1", DOUBTED, "Pino")
    review.withdraw(store, memory, "run-1", [DOUBTED])
    assert left(store, DOUBTED) == [("Piña", Status.TRANSLATED)]
    assert recalled(memory, DOUBTED) == ("Piña", Status.TRANSLATED)


def test_nothing_without_a_text_is_approved_or_edited(store: Store, memory: Memory) -> None:
    with pytest.raises(UsageError, match="Gatelag Travel Pant, colors, Spanish has no translation to approve"):
        review.approve(store, memory, "run-1", [BLACK, FAILED])
    with pytest.raises(UsageError, match="the translation is blank"):
        review.edit(store, memory, "run-1", BLACK, " \n")
    assert left(store, BLACK) == [("Negro", Status.TRANSLATED)]
