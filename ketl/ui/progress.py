"""A run while it works and how it ended: progress in words, limits waited for, newest results, cancelling."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas
import streamlit as st

from ketl._figures import counted, dollars, duration
from ketl.language.languages import language_name
from ketl.results.events import LaneClosed
from ketl.results.outcome import Status
from ketl.results.report import given_up_words, untold_words
from ketl.results.waiting_words import at_once_in_words, closed_in_words, held_in_words, wait_in_words
from ketl.runs.host import RunView
from ketl.store.records import RunRecord, RunStatus
from ketl.ui import words
from ketl.ui.downloads import offer_downloads
from ketl.ui.faults import told
from ketl.ui.session import current_run, lost_run, resume, runs, start, unfinished
from ketl.ui.tables import read_as
from ketl.ui.texts import caption, lead, note

_QUICK_S = 15.0
_NEWEST = 8
_LABEL_MOST = 20_000


def run_panel(*, downloads: bool = True) -> None:
    """Draw the run that this visitor looks at, live while it works; redraws the page once when it ends."""
    live = current_run()
    if live is None:
        _lost()
        return
    # A short run deserves a quick eye; a long one is polled once a second to spare the server.
    quick = live.plan is None or live.plan.predicted_s < _QUICK_S
    every = (0.4 if quick else 1.0) if live.live else None
    st.fragment(_panel, run_every=every)(live.live, downloads)


@told("the panel of a run")
def _panel(was_live: bool, downloads: bool) -> None:
    live = current_run()
    if live is None:
        return
    if live.live:
        _working(live)
    elif was_live:
        st.rerun()
    else:
        _ended(live, downloads)


def _lost() -> None:
    record = lost_run()
    if record is None:
        st.caption(
            "Looking for a run of before? Open the address that the page had then: it ends in the run's id and is the "
            "only key to it. On the computer that runs this app, the command `ketl runs` lists the ids."
        )
        return
    if record.status is RunStatus.RUNNING:
        st.info("This run is under way in another program. Its results stand here when it has ended.")
    elif unfinished(record):
        when = time.strftime("%d %B, %H:%M", time.localtime(record.started_at))
        note(f"The run of {when} ended before everything was translated. What it had finished is kept.", "warning")
        _offer_the_rest(record)
    else:
        st.info(
            "This run ended before the app was last started, so its page is gone. Translate the same again: "
            "what was translated comes from the memory and costs nothing.",
            icon=":material/history:",
        )


def _offer_the_rest(record: RunRecord) -> None:
    st.button("Translate the rest", icon=":material/resume:", key="resume", on_click=resume, args=(record,))


def _working(live: RunView) -> None:
    baseline = live.phase == "baseline"
    done, total = (_answered(live), live.baseline_requests) if baseline else (live.ended, live.total)
    if live.status is RunStatus.QUEUED:
        text = "Connecting …"
    elif baseline:
        text = f"Now one after another, for comparison: {done:,} of {counted(total, 'request')}."
    else:
        text = f"{done:,} of {counted(total, 'different translation')} done{_split(live)}."
    st.progress(min(1.0, done / total) if total else 0.0, text=f"{text} {_left(live)}")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Cancel",
            key="cancel",
            icon=":material/stop_circle:",
            on_click=runs().cancel,
            args=(live.run_id,),
            help="What is done is kept.",
        )
        caption(_models(live))
        held = live.tally.journal_held
        if held is not None:
            note(held_in_words(held.reason, held.patience_s), "warning")
    _changed(live)
    _newest(live)


def _changed(live: RunView) -> None:
    if live.tally.catalog_changed is not None:
        note(live.tally.catalog_changed.sentence)


def _answered(live: RunView) -> int:
    return sum(1 for event in list(live.baseline) if event.status == "200")


def _split(live: RunView) -> str:
    segments = dict(live.tally.segments)
    parts = [
        f"{number:,} {word}"
        for number, word in (
            (segments.get(Status.FAILED, 0), "failed"),
            (live.tally.from_memory, "from the memory"),
        )
        if number
    ]
    return f" ({', '.join(parts)})" if parts else ""


def _left(live: RunView) -> str:
    """Return how long it will still take: by the plan until enough is done to judge by the pace."""
    if live.began_at is None or live.plan is None or live.phase == "baseline" or not live.total:
        return ""
    passed = time.monotonic() - live.began_at
    return words.remaining(passed_s=passed, predicted_s=live.plan.predicted_s, left_s=live.left_s())


def _models(live: RunView) -> str:
    parts = []
    for name, model in list(live.tally.models.items()):
        if not model.answered and model.waited_s < 0.1:
            continue
        waited = f", waited {duration(model.waited_s)} for limits" if model.waited_s >= 0.1 else ""
        parts.append(f"{name}: {counted(model.answered, 'answer')}{waited}")
        served = live.tally.served.get(name)
        if served is not None and served.at_once:
            parts.append(at_once_in_words(served.at_once))
    limit = live.tally.limit
    if limit is not None:
        parts.append(wait_in_words(limit.model, limit.kind, limit.wait_s))
    closed: dict[str, list[LaneClosed]] = {}
    for event in list(live.tally.closed.values()):
        closed.setdefault(event.reason, []).append(event)
    for reason, events in closed.items():
        models = [event.model for event in events]
        parts.append(closed_in_words(models, reason, max(event.wait_s for event in events)))
    return " · ".join(parts)


def _newest(live: RunView) -> None:
    newest = live.recent[-_NEWEST:][::-1]
    if not newest:
        return
    sources = _sources(live.run_id, live)
    frame = pandas.DataFrame(
        [
            (
                language_name(outcome.language_tag),
                sources.get(outcome.key, ""),
                read_as(outcome.text, outcome.language_tag) or outcome.reason,
            )
            for outcome in newest
        ],
        columns=["Language", "English", "Translation"],
    )
    st.dataframe(
        frame, key="newest", hide_index=True, column_config={"Language": st.column_config.TextColumn(width=150)}
    )


@st.cache_resource(max_entries=4, show_spinner=False)
def _sources(run_id: str, _live: RunView) -> dict[bytes, str]:
    """Return the run's English texts by key; none for a catalogue too large to hold twice."""
    chosen = _live.selection
    if chosen.census.distinct > _LABEL_MOST:
        return {}
    return {text.key: text.source for product in chosen.cuttings for text in product.texts}


def _ended(live: RunView, downloads: bool) -> None:
    if live.status is RunStatus.FAILED or live.result is None:
        note(live.error or "The run was cancelled before anything was sent.", "error")
        record = runs().store.journal.run(live.run_id)
        if record is not None and unfinished(record):
            _offer_the_rest(record)
        return
    report = live.result.report
    lead(words.summary(report), testid="summary")
    _changed(live)
    if live.result.unsaved is not None:
        note(f"{live.result.unsaved} Download the files before you leave this page.", "warning")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        _badges(report, live.engine)
        if report["cancelled"]:
            st.button(
                "Translate the rest",
                key="rest",
                icon=":material/resume:",
                on_click=partial(start, live.job, live.selection.catalog, resume=live.run_id),
                help="Sends only what has no translation yet.",
            )
        if downloads:
            offer_downloads(live)
    for said in (given_up_words(report), untold_words(report)):
        if said:
            caption(said)
    for move in report["substitutions"]:
        caption(words.substitution(move))


def _badges(report: Mapping[str, Any], engine: str) -> None:
    if report["translated"]:
        st.badge(f"{report['translated']:,} translated", icon=":material/check:", color="green")
    doubted = sum(report["findings"].values())
    if doubted:
        st.badge(f"{counted(doubted, 'finding')}", icon=":material/flag:", color="orange")
    if report["failed"]:
        st.badge(f"{report['failed']:,} failed", icon=":material/error:", color="red")
    if report["cancelled"]:
        st.badge(f"{report['cancelled']:,} not translated", icon=":material/stop_circle:", color="gray")
    if report["from_memory"]:
        st.badge(f"{report['from_memory']:,} from the memory", icon=":material/bookmark:", color="blue")
    cost = report["cost_usd"]
    if cost:
        worth = "worth" if engine == "demo" else "paid"
        st.badge(
            f"{dollars(cost)} {worth}",
            icon=":material/payments:",
            color="gray",
            help="Demo: nothing was billed; this is the list price on Groq." if engine == "demo" else None,
        )
