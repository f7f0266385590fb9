"""Outcomes come back as rows in the order of the catalogue, from memory or from the journal alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ketl.catalog.catalog import Catalog
from ketl.catalog.units import cut_products, cut_texts
from ketl.checks.base import Finding, Severity
from ketl.language.languages import find_languages
from ketl.results.outcome import Outcome, Status
from ketl.results.rows import ResultRow, count_rows, rows_of, unit_key
from ketl.runs import outcome_log as module
from ketl.runs.outcome_log import OutcomeLog
from ketl.store.store import Store

FIELDS = ("name", "details", "colors")
LANGUAGES = find_languages(["es", "ar"])
CATALOG = Catalog.of(
    [
        {"product_id": 2, "product_name": "Trail Sock", "available_colors": ["Black", "Navy"]},
        {"product_id": 1, "product_name": "Trail Towel", "other_details": "Dries fast.", "available_colors": ["Navy"]},
    ]
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'ketl.sqlite3'}") as opened:
        opened.journal.start_run("r1", engine="demo", mode="parallel", spec={}, counts={})
        yield opened


def every_outcome(status: Status = Status.TRANSLATED) -> list[Outcome]:
    found = {
        (text.key, language.tag): Outcome(
            key=text.key,
            language_tag=language.tag,
            status=status,
            text=f"{language.tag}:{text.source}" if status is Status.TRANSLATED else "",
            reason="" if status is Status.TRANSLATED else "The provider failed.",
            from_memory=text.source == "Navy",
        )
        for product in CATALOG
        for text in cut_texts(product, FIELDS)
        for language in LANGUAGES
    }
    return list(found.values())


def rows(outcomes: OutcomeLog, **more: str) -> list[ResultRow]:
    return list(rows_of(list(cut_products(CATALOG, FIELDS)), LANGUAGES, outcomes.find, **more))


def test_rows_go_product_by_product_language_by_language_field_by_field() -> None:
    gathered = OutcomeLog("r1", None)
    for outcome in reversed(every_outcome()):
        gathered.add(outcome)
    assert [(r.product_id, r.language_tag, r.field, r.item, r.translation) for r in rows(gathered)] == [
        ("2", "es", "name", None, "es:Trail Sock"),
        ("2", "es", "colors", 0, "es:Black"),
        ("2", "es", "colors", 1, "es:Navy"),
        ("2", "ar", "name", None, "ar:Trail Sock"),
        ("2", "ar", "colors", 0, "ar:Black"),
        ("2", "ar", "colors", 1, "ar:Navy"),
        ("1", "es", "name", None, "es:Trail Towel"),
        ("1", "es", "details", None, "es:Dries fast."),
        ("1", "es", "colors", 0, "es:Navy"),
        ("1", "ar", "name", None, "ar:Trail Towel"),
        ("1", "ar", "details", None, "ar:Dries fast."),
        ("1", "ar", "colors", 0, "ar:Navy"),
    ]
    counted = count_rows(rows(gathered))
    assert counted.status == {"translated": 12} and counted.from_memory == 4 and not counted.findings


def test_a_text_that_was_never_reached_is_cancelled_with_the_reason() -> None:
    gathered = OutcomeLog("r1", None)
    gathered.add(every_outcome()[0])
    left = rows(gathered)[1:]
    assert {row.status for row in left} == {Status.CANCELLED} and all(row.translation == "" for row in left)
    assert {row.reason for row in left} == {
        "The run ended before this text was translated. Run it again or resume the run."
    }
    assert rows(gathered, reason="You cancelled the run.")[5].reason == "You cancelled the run."


def test_a_failed_text_keeps_its_reason_and_no_translation() -> None:
    gathered = OutcomeLog("r1", None)
    for outcome in every_outcome(Status.FAILED):
        gathered.add(outcome)
    assert {(row.status, row.translation, row.reason) for row in rows(gathered)} == {
        (Status.FAILED, "", "The provider failed.")
    }


def test_findings_of_a_segment_and_of_a_look_across_stand_in_the_row_and_in_the_counts() -> None:
    gathered = OutcomeLog("r1", None)
    doubt = Finding("numbers", Severity.ERROR, "The number 12 is missing.")
    for outcome in every_outcome():
        gathered.add(outcome._replace(findings=(doubt,)) if outcome.text == "es:Black" else outcome)
    other = Finding("consistency", Severity.WARNING, "Elsewhere it is another word.")
    crossed = {unit_key(row): (other,) for row in rows(gathered) if row.source in ("Black", "Trail Sock")}
    found = list(rows_of(list(cut_products(CATALOG, FIELDS)), LANGUAGES, gathered.find, crossed=crossed))
    assert [r.findings for r in found if r.source == "Black"] == [(doubt, other), (other,)]
    assert count_rows(found).findings == {"numbers": 1, "consistency": 4}


def test_outcomes_past_what_fits_at_hand_come_back_from_the_journal(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_hand, spilled = OutcomeLog("r1", None), OutcomeLog("r1", store)
    monkeypatch.setattr(module, "MOST_AT_HAND", 3)
    for number, outcome in enumerate(every_outcome()):
        at_hand.add(outcome)
        spilled.add(outcome)
        if number % 4 == 3:
            spilled.flush()
            assert spilled.pending == 0
    spilled.flush()
    assert not {(o.key, o.language_tag) for o in every_outcome()} <= spilled._young.keys() | spilled._old.keys()
    assert spilled.count == at_hand.count == len(every_outcome())
    assert rows(spilled) == rows(at_hand)


def test_what_was_flushed_is_in_the_journal_once(store: Store) -> None:
    gathered = OutcomeLog("r1", store)
    for outcome in every_outcome()[:5]:
        gathered.add(outcome)
    assert gathered.pending == 5
    gathered.flush()
    gathered.flush()
    assert list(store.journal.outcomes("r1")) == every_outcome()[:5]
