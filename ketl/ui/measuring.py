"""The timing page's parts: which run to look at, measuring one, its numbers, and what bought the time."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas
import streamlit as st

from ketl._figures import duration
from ketl.catalog.catalog import Catalog
from ketl.errors import KetlError
from ketl.planning.plan import RunPlan
from ketl.results.baseline import BaselineKind, sample_size
from ketl.results.events import Answered
from ketl.results.waiting_words import at_once_in_words
from ketl.runs.host import RunView
from ketl.runs.job import Job, Mode, job_to_json
from ketl.runs.selection import select
from ketl.ui import words
from ketl.ui.charts import race_chart, slot_chart, steps_chart
from ketl.ui.session import current_run, look_at, own_runs, runs, show_problem, start
from ketl.ui.texts import caption
from ketl.ui.timeline import STATUS, end_to_end, in_words, lay_out

_EXAMPLE = Job(products=("1", "2", "3", "4"), languages=("Spanish", "Japanese", "Arabic"))
_ALL, _SAMPLE = "Every request again", "A random sample"
_PATIENCE_S = 45.0
_IDEAS = {
    "duplicates": "Equal texts translated once",
    "memory": "Known texts not asked again",
    "packing": "Several texts in one request",
    "parallelism": "Requests at the same time",
}


def choose_run() -> RunView | None:
    """Draw the choice among this visitor's runs, when there are several, and return the one to look at."""
    live = current_run()
    known = own_runs()
    if live is None or len(known) < 2:
        return live
    st.session_state["timed"] = live.run_id
    st.selectbox(
        "Run",
        [entry.run_id for entry in known],
        key="timed",
        format_func=_name,
        on_change=_look,
        width=520,
    )
    return live


def _name(run_id: str) -> str:
    live = runs().get(run_id)
    if live is None:
        return "A run that is gone"
    when = time.strftime("%H:%M:%S", time.localtime(live.created_at))
    what = words.selection(live.selection.census.products, len(live.selection.languages))
    how = ", comparison" if live.job.mode is Mode.COMPARE else ""
    took = words.took(live.result.report) if live.result else words.RUN_STATUS[live.status]
    return f"{when}: {what}{how}, {took}"


def _look() -> None:
    live = runs().get(st.session_state["timed"])
    if live is not None:
        look_at(live)


def measure(live: RunView | None) -> None:
    """Draw the button that measures: the run in parallel, then its requests one after another."""
    show_problem()
    job = live.job if live is not None else _EXAMPLE
    textbook = bool(st.session_state.get("textbook"))
    job = replace(job, mode=Mode.COMPARE, baseline=BaselineKind.MEASURED, pack=1 if textbook else None)
    plan = _expected(live, job)
    with st.container(border=True):
        st.markdown("**Measure it**" if live is not None else "**Measure an example**: 4 products into 3 languages")
        promise = st.container()
        with st.container(horizontal=True, vertical_alignment="bottom"):
            how = st.segmented_control(
                "Then, one after another",
                [_ALL, _SAMPLE],
                # Nobody waits minutes for a number by default.
                default=_SAMPLE if plan is not None and plan.sequential_s > _PATIENCE_S else _ALL,
                required=True,
                key="baseline",
                help="A sample of the requests, at least 5 and at most 30, is run and extrapolated, "
                "with the range in which the true time lies in 95 of 100 cases.",
            )
            st.toggle("One text per request", key="textbook", help="The textbook pattern, without packing.")
            sampled = how == _SAMPLE
            st.button(
                "Measure",
                key="measure",
                type="primary",
                icon=":material/timer:",
                on_click=start,
                args=(replace(job, baseline=BaselineKind.SAMPLED) if sampled else job,),
                disabled=live is not None and live.live,
            )
        with promise:
            caption(_promise(plan, sampled))


def _expected(live: RunView | None, job: Job) -> RunPlan | None:
    """Return the plan of a measurement, which asks for every text anew; None where there is none to be had now."""
    if live is not None and live.live:
        return None
    try:
        return _plan(job, live.selection.catalog if live is not None else None, json.dumps(job_to_json(job)))
    except KetlError:
        return None  # the button says why, when it is pressed


# Plans change as lanes learn, so they are kept for a moment only.
@st.cache_resource(max_entries=16, ttl=60, show_spinner="Counting …")
def _plan(_job: Job, _catalog: Catalog | None, asked: str) -> RunPlan:
    return runs().plan(select(_job, _catalog, runs().store))


def _promise(plan: RunPlan | None, sampled: bool) -> str:
    said = "Translates anew without the memory, in parallel, then runs the very same requests one after another."
    if plan is None or not plan.requests:
        return said
    share = sample_size(plan.requests) / plan.requests if sampled else 1.0
    which = "the sample of them one after another" if sampled else "all of them one after another"
    paid = "" if runs().settings.engine == "demo" else " Both parts are billed."
    return (
        f"{said} In parallel that takes about {words.roughly(plan.predicted_s)}, "
        f"{which} about {words.roughly(plan.sequential_s * share)}.{paid}"
    )


def race_panel(live: RunView) -> None:
    """Draw the numbers of an ended run, and its requests at once and one after another on one axis."""
    assert live.result is not None
    report = live.result.report
    _numbers(report)
    if report["requests"] and report["speedup"] is None:
        caption(
            "What the same requests take one after another is not known for this server, so no speed-up is claimed. "
            "Measure it below."
        )
    elif report["requests"]:
        st.subheader("The same requests, two ways", anchor=False)
        race_chart(lay_out(live.tally.timeline), end_to_end(_sequence(live, report)), report)
        st.caption(words.baseline_kind(report["baseline"]))


def detail_panel(live: RunView) -> None:
    """Draw who worked when, what bought the time, and the models of an ended run."""
    assert live.result is not None
    report = live.result.report
    if report["requests"]:
        bars = lay_out(live.tally.timeline)
        st.subheader("Who worked when", anchor=False)
        slot_chart(bars)
        caption(in_words(bars))
        if report["speedup"] is not None and report["gain"]:
            _steps(report)
    _models(report)


def _sequence(live: RunView, report: Mapping[str, Any]) -> list[Answered]:
    """Return the attempts that the baseline's time is made of; none when it was extrapolated."""
    kind = report["baseline"]["kind"]
    if kind == BaselineKind.MEASURED:
        return list(live.baseline) or list(live.tally.timeline)
    if kind == BaselineKind.PROJECTED:
        # Each request with its share of the work that the projection adds up to, so that they end where it says.
        answered = [attempt for attempt in live.tally.timeline if attempt.status == "200"]
        taken = [attempt.service_s or attempt.seconds for attempt in answered]
        share = (report["baseline"]["seconds"] or 0.0) / (sum(taken) or 1.0)
        return [replace(attempt, seconds=share * s) for attempt, s in zip(answered, taken, strict=True)]
    return []


def _numbers(report: Mapping[str, Any]) -> None:
    baseline = report["baseline"]
    speedup = report["speedup"]
    claimed = speedup is not None
    unknown = "Not known for this server: measure it." if report["requests"] else "Nothing was sent to compare with."
    total = report.get("total_s")
    grid = st.grid(6 if total is None else 7, min_column_width=140)
    grid.metric("In parallel", duration(report["makespan_s"]), help="From the first request to the last result.")
    if total is not None:
        grid.metric(
            "From press to result", duration(total), help="With reading, planning, connecting and writing around it."
        )
    grid.metric(
        "One after another",
        duration(baseline["seconds"]) if claimed else "–",
        help=words.baseline_kind(baseline) if claimed else unknown,
    )
    grid.metric("Speed-up", f"{speedup:.1f} ×" if speedup else "–", help="One after another divided by in parallel.")
    grid.metric(
        "Fastest possible",
        duration(report["bound_s"]) if report["bound_s"] else "–",
        help="The limits' arithmetic and the longest single request allow no less, whatever the schedule.",
    )
    efficiency = report["efficiency"]
    grid.metric("Efficiency", f"{min(1.0, efficiency):.0%}" if efficiency else "–", help=words.bound(report) or None)
    first = report["first_result_s"]
    grid.metric("First result after", duration(first) if first is not None else "–")
    for said in (words.bound(report), words.prediction(report)):
        if said:
            st.caption(said)


def _steps(report: Mapping[str, Any]) -> None:
    """Draw the time after each idea, backwards from the run: its baseline, times what each earlier idea saved."""
    st.subheader("What bought the time", anchor=False)
    factors = {name: max(report["gain"][name]["factor"], 1e-3) for name in _IDEAS}
    # The last factor is the speed-up itself, so that this part and the headline never disagree.
    factors["parallelism"] = report["speedup"]
    left = report["makespan_s"]
    steps: list[tuple[str, float]] = []
    for name, label in reversed(_IDEAS.items()):
        steps.insert(0, (label, left))
        left *= factors[name]
    steps.insert(0, ("One text a request, one by one", left))
    said = " × ".join(f"{factor:.2f}" for factor in factors.values())
    st.markdown(
        f"Against the textbook loop the run was {words.times(left / report['makespan_s'])} faster. "
        f"The ideas multiply: {said}. Each bar is the time left after one more idea."
    )
    steps_chart(steps)


def _models(report: Mapping[str, Any]) -> None:
    st.subheader("The models", anchor=False)
    models = report["models"]
    if not models:
        st.caption("No model was asked.")
        return
    frame = pandas.DataFrame(
        {
            "Model": name,
            "Requests": model["requests"],
            "Attempts": model["attempts"],
            "Waited for limits": duration(model["waited_for_limits_s"]),
            "Worked": duration(model["busy_s"]),
            "Tokens read": model["tokens"]["prompt"],
            "Tokens written": model["tokens"]["completion"],
            "Answers": _answers(model["status_counts"]),
        }
        for name, model in models.items()
    )
    st.dataframe(frame, key="models", hide_index=True)
    for name, model in models.items():
        if model.get("served_at_once"):
            caption(f"{name}: {at_once_in_words(model['served_at_once'])}")
    for move in report["substitutions"]:
        caption(words.substitution(move))
    for reason in report["routes"].values():
        caption(reason[:1].upper() + reason[1:])


def _answers(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {STATUS.get(status, f'error {status}')}" for status, number in counts.items())
