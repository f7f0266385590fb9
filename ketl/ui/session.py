"""What the pages share: the one `RunHost` of this process, the run that a visitor looks at, and starting one."""

from __future__ import annotations

import streamlit as st

from ketl.catalog.catalog import Catalog
from ketl.errors import KetlError
from ketl.runs.host import RunHost, RunView
from ketl.runs.job import Job, job_from_json
from ketl.settings import load_settings
from ketl.store.records import RunRecord, RunStatus
from ketl.ui.texts import note

RUN = "run"
PROBLEM = "problem"
_OWN = "own_runs"


# One line on purpose: editing the body of a cached function under a running server would make a second engine.
@st.cache_resource(show_spinner="Starting …")
def runs() -> RunHost:
    """Return the runs of this process. Raises SettingsError when the key, the address or the database is wrong."""
    return RunHost(load_settings(secrets=_secrets()))


def _secrets() -> dict[str, object]:
    # Asking first: reading a secrets file that is not there draws a warning on the page.
    return dict(st.secrets.to_dict()) if st.secrets.load_if_toml_exists() else {}


def current_run() -> RunView | None:
    """Return the run named in the address, else the one this visitor started last; None before the first.

    Links between pages drop the id from the address; it is put back, so that a refresh finds the run again.
    """
    named = st.query_params.get(RUN)
    live = runs().get(named) or runs().get(st.session_state.get(RUN))
    if live is not None:
        look_at(live)
    return live


def own_runs() -> list[RunView]:
    """Return the runs at hand that this visitor started or came to by an address with their id, newest first."""
    own = st.session_state.get(_OWN, ())
    return [live for live in runs().recent() if live.run_id in own]


def look_at(live: RunView) -> None:
    """Make a run the one that this visitor's pages show, and from now on one of their own."""
    st.session_state[RUN] = live.run_id
    st.session_state[_OWN] = {*st.session_state.get(_OWN, ()), live.run_id}
    if st.query_params.get(RUN) != live.run_id:
        st.query_params[RUN] = live.run_id


def lost_run() -> RunRecord | None:
    """Return the run of the journal that the address names, when this process no longer has it.

    Its id is the key to a run: whoever comes without one is shown nobody's, not even the newest of all.
    """
    named = st.query_params.get(RUN)
    return runs().store.journal.run(named) if named else None


def start(job: Job, catalog: Catalog | None = None, *, resume: str | None = None) -> None:
    """Start a run and look at it; for `on_click`, so that the page draws it at once.

    What is wrong with the job is kept for `show_problem`; a visitor's run that still works is left alone.
    """
    running = runs().get(st.session_state.get(RUN))
    if running is not None and running.live:
        return
    try:
        look_at(runs().start(job, catalog, resume=resume))
    except KetlError as error:
        st.session_state[PROBLEM] = str(error)


def resume(record: RunRecord) -> None:
    """Finish a run that was interrupted, sending only what is missing; for `on_click`."""
    start(job_from_json(record.spec), resume=record.run_id)


def show_problem() -> None:
    """Show, once, what kept the last run from starting."""
    problem = st.session_state.pop(PROBLEM, "")
    if problem:
        note(problem, "error")


def unfinished(record: RunRecord) -> bool:
    """Tell whether a run of the journal ended early, so that its rest can be translated."""
    return record.status in (RunStatus.INTERRUPTED, RunStatus.CANCELLED, RunStatus.FAILED)
