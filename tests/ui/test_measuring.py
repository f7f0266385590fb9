"""The timing page: which run it shows, what it promises, its numbers, and what its charts say without eyes."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from ketl.results.baseline import BaselineKind
from ketl.results.events import Answered
from ketl.runs.host import RunView
from ketl.runs.job import Mode
from ketl.simulator import RunningSimulator
from ketl.store.records import RunStatus
from ketl.ui import words
from ketl.ui.measuring import _name, _sequence
from ketl.ui.session import RUN, runs

Choose = Callable[..., None]
Finish = Callable[..., RunView]
Shown = Callable[[AppTest], str]


@pytest.fixture
def timing(keyed_app: AppTest, choose: Choose, finish: Finish) -> AppTest:
    """The timing page after a run of one product into two languages."""
    keyed_app.run()
    choose(keyed_app, [0], ["es", "ar"])
    keyed_app.button("start").click().run()
    finish(keyed_app)
    return keyed_app.switch_page("pages/timing.py").run()


def charts(app: AppTest) -> list[Any]:
    return [element.proto for element in app.get("vega_lite_chart")]


def test_each_chart_says_its_message_in_words(timing: AppTest) -> None:
    race, slots, steps = (chart.alt for chart in charts(timing))
    assert race.startswith("Two rows on one axis. In parallel: ") and "One after another: " in race
    assert "attempts at" in slots and "The longest took" in slots
    ideas = "Equal texts translated once", "Several texts in one request", "Requests at the same time"
    assert all(f"{idea}: " in steps for idea in ideas)


def test_the_race_s_words_are_those_of_the_numbers_above_it(timing: AppTest) -> None:
    metrics = {metric.label: metric.value for metric in timing.metric}
    race = charts(timing)[0].alt
    assert race == (
        f"Two rows on one axis. In parallel: {metrics['In parallel']}. "
        f"One after another: {metrics['One after another']}."
    )


def test_the_models_table_names_each_model_once_with_what_it_did(timing: AppTest) -> None:
    table = timing.dataframe[0].value
    assert list(table.columns) == [
        "Model", "Requests", "Attempts", "Waited for limits", "Worked", "Tokens read", "Tokens written", "Answers",
    ]  # fmt: skip
    assert sorted(table["Model"]) == ["llama-3.3-70b-versatile", "mistral-saba-24b"]
    assert all(re.fullmatch(r"\d+ answered", answers) for answers in table["Answers"])


def test_a_projection_s_bars_end_where_its_seconds_do(timing: AppTest) -> None:
    live = runs().recent()[0]
    report = live.result.report if live.result is not None else {}
    bars = _sequence(live, report)
    assert bars and sum(bar.seconds for bar in bars) == pytest.approx(report["baseline"]["seconds"], abs=2e-3)


def test_the_bars_of_the_projection_end_where_its_number_says_each_with_its_share(timing: AppTest) -> None:
    live = runs().recent()[0]
    assert live.result is not None
    said, silent = Answered(1, "m", "es", 0.0, 5.0, "200", "first", 1, (1, 1, 0), 0.0, 1.0, 2.0), 3.0
    live.tally.timeline[:] = [said, replace(said, seconds=silent, service_s=0.0), replace(said, status="429")]
    report = {"baseline": {"kind": "projected", "seconds": 10.0}}
    assert [bar.seconds for bar in _sequence(live, report)] == [4.0, 6.0]


def test_among_several_runs_one_is_chosen_by_what_it_did(timing: AppTest, shown: Shown) -> None:
    assert not timing.selectbox
    first = runs().recent()[0]
    second = runs().start(replace(first.job, mode=Mode.COMPARE, baseline=BaselineKind.MEASURED))
    timing.switch_page("pages/translate.py")
    timing.query_params[RUN] = second.run_id
    while second.live:
        timing.run()
    timing.switch_page("pages/timing.py").run()
    (choice,) = timing.selectbox
    newest, earlier = choice.options
    assert ": 1 product, 2 languages, comparison, " in newest
    assert ": 1 product, 2 languages, " in earlier and "comparison" not in earlier
    assert "Measured: " in shown(timing)
    choice.set_value(first.run_id).run()
    assert "Projected: " in shown(timing)


def test_a_run_is_named_with_its_time_from_press_to_result(timing: AppTest) -> None:
    live = runs().recent()[0]
    assert live.result is not None
    live.result.report.update(makespan_s=1.2, total_s=3.4)
    assert _name(live.run_id).endswith("1 product, 2 languages, 1.2 s (3.4 s from press to result)")


def test_what_a_measurement_takes_is_said_before_it_is_billed(timing: AppTest, shown: Shown) -> None:
    assert "all of them one after another about" in shown(timing) and "Both parts are billed." in shown(timing)
    timing.session_state["baseline"] = "A random sample"
    timing.run()
    assert "the sample of them one after another about" in shown(timing)


def promised_s(page: str) -> float:
    found = re.search(r"all of them one after another about (\d+) s", page)
    assert found is not None
    return float(found[1])


def test_what_a_measurement_takes_is_what_a_run_without_the_memory_takes(
    simulator: RunningSimulator, timing: AppTest, finish: Finish, shown: Shown
) -> None:
    timing.switch_page("pages/translate.py").run()
    timing.button("start").click().run()
    live = finish(timing)
    assert live.result is not None and live.result.report["requests"] == 0
    timing.switch_page("pages/timing.py").run()
    assert promised_s(shown(timing)) >= 1


def test_without_a_known_time_one_after_another_the_page_claims_nothing_and_offers_to_measure(
    timing: AppTest, shown: Shown
) -> None:
    live = runs().recent()[0]
    assert live.result is not None
    live.result.report["speedup"] = None
    live.result.report["total_s"] = 12.5
    live.result.report["models"]["mistral-saba-24b"]["served_at_once"] = 2
    timing.run()
    metrics = {metric.label: metric.value for metric in timing.metric}
    assert (metrics["Speed-up"], metrics["One after another"]) == ("–", "–")
    assert metrics["From press to result"] == "12.5 s" and timing.button("measure")
    assert "faster" not in shown(timing) and "no speed-up is claimed" in shown(timing)
    assert "mistral-saba-24b: The server works on about 2 requests at a time" in shown(timing)


def test_the_baseline_s_row_ends_where_its_number_says(timing: AppTest) -> None:
    live = runs().recent()[0]
    assert live.result is not None
    spec = json.loads(charts(timing)[0].spec)
    seconds = live.result.report["baseline"]["seconds"]
    rows = [row for layer in spec["layer"] for row in layer["data"]["values"] if row["y"] > 1 and "end" in row]
    assert max(row["end"] for row in rows) == pytest.approx(seconds, abs=1e-3)


@pytest.mark.parametrize(
    ("status", "says"),
    [(RunStatus.RUNNING, "under way"), (RunStatus.CANCELLED, "ended early"), (RunStatus.FAILED, "failed")],
)
def test_a_run_without_a_result_is_named_by_how_it_stands(timing: AppTest, status: RunStatus, says: str) -> None:
    live = runs().recent()[0]
    live.result, live.status = None, status
    assert _name(live.run_id).endswith(f": 1 product, 2 languages, {says}")


def test_every_status_has_its_words_and_no_two_the_same() -> None:
    assert set(words.RUN_STATUS) == set(RunStatus)
    assert all(a != b for a, b in itertools.pairwise(sorted(words.RUN_STATUS.values())))


def test_a_run_that_sent_nothing_draws_no_race(timing: AppTest, finish: Finish, shown: Shown) -> None:
    timing.switch_page("pages/translate.py").run()
    timing.button("start").click().run()
    finish(timing)
    timing.switch_page("pages/timing.py").run()
    assert "nothing was sent and nothing was paid" in shown(timing)
    assert charts(timing) == [] and "No model was asked." in shown(timing)
    assert {metric.label: metric.value for metric in timing.metric}["Speed-up"] == "–"
