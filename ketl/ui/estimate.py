"""Before the button: what a choice will take, in numbers and in words."""

from __future__ import annotations

import json

import streamlit as st

from ketl._figures import counted, duration
from ketl.catalog.catalog import Catalog
from ketl.errors import KetlError
from ketl.planning.plan import RunPlan
from ketl.runs.host import RunView
from ketl.runs.job import Job, job_to_json
from ketl.runs.selection import select
from ketl.ui import words
from ketl.ui.pickers import Choice
from ketl.ui.session import runs, show_problem, start
from ketl.ui.texts import listed, note


def estimate_and_start(choice: Choice, live: RunView | None) -> None:
    """Draw what the choice will take and the button that starts it."""
    show_problem()
    plan = None
    if not choice.ready:
        st.info(choice.missing, icon=":material/checklist:")
    else:
        try:
            asked = json.dumps(job_to_json(choice.job()), sort_keys=True)
            plan = _plan(choice.job(), choice.catalog, asked)
        except KetlError as error:
            note(str(error), "error")
    if plan is not None:
        _numbers(plan)
    busy = live is not None and live.live
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Translate",
            key="start",
            type="primary",
            icon=":material/translate:",
            disabled=plan is None or busy,
            on_click=_begin,
            args=(choice,),
            help="A run is still going. Wait for it or cancel it." if busy else None,
        )
        if plan is not None:
            _reasons(plan)


def _begin(choice: Choice) -> None:
    start(choice.job(), choice.catalog)
    st.session_state["chooser"] = False


# Plans change as lanes learn, so they are kept for a moment only: long enough for the clicks in between.
@st.cache_resource(max_entries=32, ttl=20, show_spinner="Counting …")
def _plan(_job: Job, _catalog: Catalog, asked: str) -> RunPlan:
    return runs().plan(select(_job, _catalog))


def _numbers(plan: RunPlan) -> None:
    texts = plan.units // max(1, len(plan.languages))
    demo = runs().settings.engine == "demo"
    duplicates = plan.units - plan.segments
    grid = st.grid(3, min_column_width=140)
    grid.metric(
        "Translations",
        f"{plan.units:,}",
        help=f"{counted(texts, 'text')} in each of {counted(len(plan.languages), 'language')}. "
        + (
            f"{plan.segments:,} different ones; {duplicates:,} repeats are translated once."
            if duplicates
            else "All of them differ."
        ),
    )
    grid.metric("Requests", f"{plan.requests:,}", help="Calls to a model; several short texts may share one.")
    grid.metric(
        "Tokens",
        f"{plan.prompt_tokens + plan.completion_tokens:,}",
        help=f"About {plan.prompt_tokens:,} to read and {plan.completion_tokens:,} to write.",
    )
    grid.metric(
        "Cost on Groq" if demo else "Cost",
        words.cost_range(plan.cost_usd),
        help="From the models' list prices; the upper end allows for retries and repairs."
        + (" The demo itself bills nothing." if demo else ""),
    )
    grid.metric("Predicted time", duration(plan.predicted_s), help="Which limit decides stands under “Why this plan”.")
    grid.metric(
        "One after another",
        duration(plan.sequential_s),
        help=f"The same requests without parallelism. The fastest any schedule could be: {duration(plan.bound_s)}.",
    )


def _reasons(plan: RunPlan) -> None:
    with st.popover("Why this plan", icon=":material/help:", type="tertiary"):
        listed([*plan.notes, plan.limit_note])
