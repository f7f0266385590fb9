"""The rows are made, compared, counted and written beside the run: in the order of the catalogue, and to the end."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Any

import pytest

from ketl.catalog.catalog import Catalog
from ketl.checks.base import Finding, Severity
from ketl.errors import RunError, SettingsError
from ketl.results.outcome import Outcome, Status
from ketl.results.rows import ResultRow, count_rows, rows_of
from ketl.runs.outcome_log import OutcomeLog
from ketl.runs.row_pass import RowPass
from ketl.runs.selection import Selection
from ketl.store.store import Store
from tests.fakes import FakeProvider, products, selection, translate, translated

DOUBT = Finding("length-ratio", Severity.WARNING, "Much shorter than the English.")


def ends(chosen: Selection, **change: Any) -> list[Outcome]:
    return [
        Outcome(
            key=segment.key,
            language_tag=segment.language.tag,
            **{"status": Status.TRANSLATED, "text": f"…{segment.source}", **change},
        )
        for segment, _ in chosen.cuttings.segments(chosen.languages)
    ]


def spilled(store: Store, chosen: Selection) -> OutcomeLog:
    """Return a closed log of all outcomes, of which the journal holds what is no longer at hand."""
    store.journal.start_run("run", engine="demo", mode="parallel", spec={}, counts={})
    log = OutcomeLog("run", store)
    for outcome in ends(chosen):
        log.add(outcome)
        log.flush()
    log.close()
    return log


def test_products_that_are_done_are_written_while_others_are_not() -> None:
    chosen = selection(products(100), "es")
    log = OutcomeLog("run", None)
    seen: list[ResultRow] = []
    some = threading.Event()

    def write(rows: Iterable[ResultRow]) -> None:
        for row in rows:
            seen.append(row)
            if len(seen) == 3 * 64:
                some.set()

    row_pass = RowPass(chosen, log, None, write)
    thread = threading.Thread(target=row_pass.run, daemon=True)
    thread.start()
    outcomes = ends(chosen)
    for outcome in outcomes[: 3 * 70]:
        log.add(outcome)
    log.flush()
    assert some.wait(10) and len(seen) < 300
    for outcome in reversed(outcomes[3 * 70 :]):
        log.add(outcome)
    log.close()
    thread.join(10)
    assert not thread.is_alive()
    assert [row.product_id for row in seen] == [str(n) for n in range(1, 101) for _ in range(3)]
    assert row_pass.counts.status == {"translated": 300} and row_pass.unwritten is None


def test_what_never_ended_is_a_row_with_the_reason_that_the_run_gave() -> None:
    chosen = selection(products(2), "es")
    log = OutcomeLog("run", None)
    for outcome in ends(chosen)[:3]:
        log.add(outcome)
    log.close("You cancelled the run.")
    seen: list[ResultRow] = []
    row_pass = RowPass(chosen, log, None, seen.extend)
    row_pass.run()
    assert [row.status for row in seen] == ["translated"] * 3 + ["cancelled"] * 3
    assert {row.reason for row in seen[3:]} == {"You cancelled the run."}
    assert row_pass.counts.status == {"translated": 3, "cancelled": 3}


def test_a_file_that_cannot_be_written_costs_the_file_and_no_count() -> None:
    chosen = selection(products(3), "es")
    log = OutcomeLog("run", None)
    for outcome in ends(chosen, findings=(DOUBT,)):
        log.add(outcome)
    log.close()

    def write(rows: Iterable[ResultRow]) -> None:
        next(iter(rows))
        raise SettingsError("The disk is full.")

    row_pass = RowPass(chosen, log, None, write)
    row_pass.run()
    assert str(row_pass.unwritten) == "The disk is full."
    assert row_pass.counts.status == {"translated": 9} and row_pass.counts.doubted == 9


@pytest.mark.parametrize("error", [RunError("The database could not be used."), ValueError("a driver's own")])
@pytest.mark.parametrize("patience_s", [0.0, 60.0], ids=["stays away", "given up"])
def test_what_a_dead_database_does_not_give_back_costs_its_own_rows_only(
    store: Store, monkeypatch: pytest.MonkeyPatch, error: Exception, patience_s: float
) -> None:
    monkeypatch.setattr("ketl.runs.outcome_log.MOST_AT_HAND", 20)
    monkeypatch.setattr("ketl.runs.outcome_log.READ_PATIENCE_S", patience_s)
    chosen = selection(products(30, colors=("Black", "Navy")), "es")
    log = spilled(store, chosen)
    if patience_s:
        log.give_up()

    def dead(*_: object) -> Any:
        raise error

    monkeypatch.setattr(store.journal, "find_outcomes", dead)
    written: list[ResultRow] = []
    row_pass = RowPass(chosen, log, None, written.extend)
    row_pass.run()
    assert len(written) == 150 and row_pass.unwritten is None and row_pass.counts.status["cancelled"] > 100
    at_hand = [row for row in written if row.status == "translated"]
    assert at_hand and all(row.translation == f"…{row.source}" for row in at_hand)
    assert {row.reason for row in written if row.status == "cancelled"} == {
        "How this text ended lies in the database, which could not be read. Resume the run."
    }
    assert log.unread is not None and "could not be read back" in str(log.unread)


def test_a_database_that_comes_back_costs_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ketl.runs.outcome_log.MOST_AT_HAND", 20)
    monkeypatch.setattr("ketl.runs.outcome_log._FIRST_PAUSE_S", 0.001)
    chosen = selection(products(30), "es")
    log = spilled(store, chosen)
    refusals = [RunError("The database could not be used.")] * 3
    honest = store.journal.find_outcomes

    def find(*words: Any) -> Any:
        if refusals:
            raise refusals.pop()
        return honest(*words)

    monkeypatch.setattr(store.journal, "find_outcomes", find)
    row_pass = RowPass(chosen, log, None, list)
    row_pass.run()
    assert row_pass.counts.status == {"translated": 90} and log.unread is None and not refusals


def test_options_that_collide_between_products_are_told_in_a_second_writing() -> None:
    catalog = Catalog.of(
        [
            {"product_id": 1, "product_name": "Ridge Sock", "available_colors": ["Pine", "Sand"]},
            {"product_id": 2, "product_name": "Ridge Hat", "available_colors": ["Moss", "Sand"]},
        ]
    )
    chosen = selection(catalog, "es")
    log = OutcomeLog("run", None)
    for outcome, (segment, _) in zip(ends(chosen), chosen.cuttings.segments(chosen.languages), strict=True):
        text = "Verde" if segment.source in ("Pine", "Moss") else outcome.text
        log.add(Outcome(key=outcome.key, language_tag="es", status=Status.TRANSLATED, text=text))
    log.close()
    written: list[list[ResultRow]] = []
    row_pass = RowPass(chosen, log, None, lambda rows: written.append(list(rows)))
    row_pass.run()
    assert len(written) == 2 and not any(row.findings for row in written[0])
    found = {row.source: [finding.id for finding in row.findings] for row in written[1] if row.findings}
    assert found == {"Moss": ["reused"]}
    assert count_rows(written[1]) == row_pass.counts and row_pass.counts.doubted == 1


def test_options_of_one_product_that_collide_are_an_error_in_the_first_writing() -> None:
    def answer(call: Any, user: dict[str, Any], number: int) -> str:
        options = {key: "Verde" for key, text in user["segments"].items() if text in ("Pine", "Moss")}
        return translated(user, **options)

    catalog = Catalog.of([{"product_id": 1, "product_name": "Sock", "available_colors": ["Pine", "Moss", "Sand"]}])
    result = translate(FakeProvider(answer), selection(catalog, "es"))
    found = {row.source: [finding.id for finding in row.findings] for row in result.rows() if row.findings}
    assert found == {"Pine": ["option-collision"], "Moss": ["option-collision"]}
    assert result.report["findings"]["option-collision"] == 2 and result.report["doubted"] == 2


def test_outcomes_that_left_the_memory_are_waited_for_and_found_in_the_journal(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ketl.runs.outcome_log.MOST_AT_HAND", 20)
    store.journal.start_run("run", engine="demo", mode="parallel", spec={}, counts={})
    chosen = selection(products(60, colors=("Black", "Navy")), "es", "ja")
    log = OutcomeLog("run", store)
    seen: list[ResultRow] = []
    for number, outcome in enumerate(ends(chosen)):
        log.add(outcome)
        if number % 7 == 0:
            log.flush()
    log.flush()
    row_pass = RowPass(chosen, log, None, seen.extend)
    thread = threading.Thread(target=row_pass.run, daemon=True)
    thread.start()
    log.close()
    thread.join(20)
    assert not thread.is_alive() and len(seen) == 60 * 5 * 2
    assert all(row.translation == f"…{row.source}" for row in seen)


def test_a_writer_that_stumbles_costs_the_file_and_says_so() -> None:
    chosen = selection(products(3), "es")
    log = OutcomeLog("run", None)
    for outcome in ends(chosen):
        log.add(outcome)
    log.close()

    def write(rows: Iterable[ResultRow]) -> None:
        next(iter(rows))
        raise ZeroDivisionError

    row_pass = RowPass(chosen, log, None, write)
    row_pass.run()
    assert str(row_pass.unwritten) == "The rows could not be written (an internal error)."
    assert row_pass.counts.status == {"translated": 9}


def test_reading_a_large_result_again_and_again_holds_no_more_of_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ketl.runs.outcome_log.MOST_AT_HAND", 20)
    monkeypatch.setattr("ketl.runs.outcome_log._MOST_AGAIN", 50)
    chosen = selection(products(100), "es")
    log = spilled(store, chosen)
    for _ in range(2):
        rows = list(rows_of(chosen.cuttings, chosen.languages, log.find))
        assert len(rows) == 300 and all(row.translation for row in rows)
    assert len(log._young) + len(log._old) + len(log._again) < 150
