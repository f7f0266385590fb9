"""Timing, Review and Quality: empty, measured, decided."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ketl import logs
from ketl.memory.memory import Memory
from ketl.memory.review import send_back
from ketl.runs.host import RunView
from ketl.simulator import RunningSimulator
from ketl.store.records import Action
from ketl.ui.downloads import all_rows
from ketl.ui.session import runs

# As it is before the fixtures make a fault fail the test.
REPORT = logs.report
Choose = Callable[..., None]
Finish = Callable[..., RunView]
Shown = Callable[[AppTest], str]
Problems = Callable[[AppTest], list[str]]


def test_every_page_greets_an_empty_session(app: AppTest, shown: Shown) -> None:
    app.run()
    for name, words in (("timing", "No run yet"), ("review", "No run yet"), ("quality", "Nothing learned yet")):
        app.switch_page(f"pages/{name}.py").run()
        assert not app.exception
        assert words in shown(app)


def test_a_measurement_shows_its_baseline_and_what_bought_the_time(
    keyed_app: AppTest, finish: Finish, shown: Shown
) -> None:
    keyed_app.run()
    keyed_app.switch_page("pages/timing.py").run()
    keyed_app.button("measure").click().run()
    live = finish(keyed_app)
    assert live.result is not None and live.result.report["baseline"]["kind"] == "measured"
    assert len([attempt for attempt in live.baseline if attempt.status == "200"]) == live.baseline_requests
    page = shown(keyed_app)
    assert not keyed_app.exception
    assert "Measured: the very same requests ran a second time" in page
    assert "The ideas multiply" in page
    assert "up to" in page and "at once" in page
    assert {"In parallel", "One after another", "Speed-up"} <= {metric.label for metric in keyed_app.metric}


def test_a_sampled_baseline_names_its_sample_and_its_range(keyed_app: AppTest, finish: Finish, shown: Shown) -> None:
    keyed_app.run()
    keyed_app.switch_page("pages/timing.py").run()
    keyed_app.toggle("textbook").set_value(True)
    keyed_app.session_state["baseline"] = "A random sample"
    keyed_app.run()
    keyed_app.button("measure").click().run()
    live = finish(keyed_app)
    assert live.result is not None and live.result.report["baseline"]["sample"] >= 5
    assert "95 % sure between" in shown(keyed_app)


def test_doubted_texts_can_be_written_approved_and_taken_back(
    simulator: RunningSimulator, keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown
) -> None:
    simulator.configure({"script": [{"fault": "refusal", "times": None, "tag": "ar"}]})
    keyed_app.run()
    choose(keyed_app, [0], ["es", "ar"])
    keyed_app.button("start").click().run()
    live = finish(keyed_app)
    keyed_app.switch_page("pages/review.py").run()
    assert "9 of 18 translations need a look: 9 failed" in shown(keyed_app)

    ident = f"{live.run_id}_1_name_None_ar"
    keyed_app.text_area(f"text_{ident}").set_value("هودي الشمس")
    keyed_app.button(f"save_{ident}").click().run()
    assert "8 of 18 translations need a look" in shown(keyed_app)
    keyed_app.button("approve_all").click().run()
    decided = runs().store.decisions.of(live.run_id).values()
    assert sorted({d.action for d in decided}) == [Action.APPROVED, Action.EDITED]
    edited = next(row for row in all_rows(live) if row.status == "edited")
    assert edited.translation == "هودي الشمس"
    assert len([row for row in all_rows(live) if row.status == "approved"]) == 9

    keyed_app.session_state["decided_10"] = {"selection": {"rows": list(range(10)), "columns": [], "cells": []}}
    keyed_app.run()
    keyed_app.button("undo").click().run()
    assert runs().store.decisions.of(live.run_id) == {}


def test_a_blank_text_is_not_saved_and_says_why(
    simulator: RunningSimulator, keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown
) -> None:
    simulator.configure({"script": [{"fault": "refusal", "times": None, "tag": "ar"}]})
    keyed_app.run()
    choose(keyed_app, [0], ["ar"])
    keyed_app.button("start").click().run()
    live = finish(keyed_app)
    keyed_app.switch_page("pages/review.py").run()
    keyed_app.button(f"save_{live.run_id}_1_name_None_ar").click().run()
    assert "the translation is blank" in shown(keyed_app)
    assert runs().store.decisions.of(live.run_id) == {}


def test_a_text_sent_back_is_counted_by_the_decision_not_by_its_words(
    keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown
) -> None:
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    keyed_app.button("start").click().run()
    live = finish(keyed_app)
    keyed_app.switch_page("pages/review.py").run()
    assert "again" not in [button.key for button in keyed_app.button]
    store = runs().store
    send_back(store, Memory(store, live.engine), live.run_id, list(all_rows(live))[:2], "Too formal.")
    keyed_app.run()
    assert keyed_app.button("again").label == "Translate 2 texts again"


def test_quality_shows_what_a_run_taught(keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown) -> None:
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    keyed_app.button("start").click().run()
    finish(keyed_app)
    keyed_app.switch_page("pages/quality.py").run()
    assert not keyed_app.exception
    assert "**9** translations, **0** of them approved" in shown(keyed_app)


def fail(*_: object) -> None:
    raise TypeError("refused gsk_aB3dE9fG2hJ4kL6m")


def expect_fault(said: list[str], app: AppTest, what: str, log: str) -> None:
    (problem,) = said
    found = re.fullmatch(r"Something went wrong inside this page\. Reference (\w{6}): look .*", problem)
    assert found and not app.exception
    assert f"“{what}” failed inside. Reference {found[1]}." in log and "TypeError: refused …" in log


def test_a_fault_inside_a_page_is_a_sentence_whose_reference_finds_the_line(
    app: AppTest, problems: Problems, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ketl.logs.report", REPORT)
    monkeypatch.setattr("ketl.ui.frame._engine", fail)
    app.run()
    expect_fault(problems(app), app, "Translate", capsys.readouterr().err)


def test_a_fault_in_the_part_that_refreshes_itself_is_told_the_same_way(
    keyed_app: AppTest,
    choose: Choose,
    finish: Finish,
    problems: Problems,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    keyed_app.button("start").click().run()
    finish(keyed_app)
    monkeypatch.setattr("ketl.logs.report", REPORT)
    monkeypatch.setattr("ketl.ui.progress._ended", fail)
    keyed_app.run()
    expect_fault(problems(keyed_app), keyed_app, "the panel of a run", capsys.readouterr().err)


def test_a_wrong_log_level_is_told_on_the_page(
    app: AppTest, problems: Problems, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KETL_LOG", "loud")
    app.run()
    assert "KETL_LOG takes one of DEBUG" in problems(app)[0]
