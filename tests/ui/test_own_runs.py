"""A visitor sees runs of their own: those they started, and those whose address they came with."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from streamlit.testing.v1 import AppTest

from ketl.runs.host import RunView
from ketl.runs.job import Job, job_to_json
from ketl.store.store import Store
from ketl.ui.session import RUN

Choose = Callable[..., None]
Finish = Callable[..., RunView]
Shown = Callable[[AppTest], str]


@pytest.fixture
def first(keyed_app: AppTest, choose: Choose, finish: Finish) -> RunView:
    """A run that another visitor made."""
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    keyed_app.button("start").click().run()
    return finish(keyed_app)


def visitor(app: AppTest, run_id: str = "") -> AppTest:
    fresh = AppTest.from_file(app._script_path, default_timeout=60)
    if run_id:
        fresh.query_params[RUN] = run_id
    return fresh.run()


def test_a_fresh_visitor_is_shown_nobody_s_run(keyed_app: AppTest, first: RunView, shown: Shown) -> None:
    fresh = visitor(keyed_app)
    assert "into 1 language" not in shown(fresh) and not fresh.get("download_button")
    for page in ("timing", "review"):
        fresh.switch_page(f"pages/{page}.py").run()
        assert "No run yet" in shown(fresh) and not fresh.get("download_button") and not fresh.selectbox
    assert RUN not in fresh.session_state and RUN not in fresh.query_params


def test_an_address_with_a_run_s_id_is_a_key_to_that_run_and_to_no_other(
    keyed_app: AppTest, first: RunView, choose: Choose, finish: Finish, shown: Shown
) -> None:
    fresh = visitor(keyed_app, first.run_id)
    assert "into 1 language" in shown(fresh)
    choose(keyed_app, [1], ["de"])
    keyed_app.button("start").click().run()
    finish(keyed_app)
    fresh.switch_page("pages/timing.py").run()
    assert "into 1 language" in shown(fresh) and not fresh.selectbox
    keyed_app.switch_page("pages/timing.py").run()
    assert len(keyed_app.selectbox[0].options) == 2


def test_the_newest_interrupted_run_of_all_is_offered_to_nobody_but_its_address(app: AppTest, shown: Shown) -> None:
    with Store(clock=lambda: time.time() - 100) as another:
        spec = job_to_json(Job(products=("1",), languages=("es",)))
        another.journal.start_run("somebodys-run", engine="groq", mode="parallel", spec=spec, counts={})
    app.run()
    assert "resume" not in [button.key for button in app.button]
    assert "only key to it" in shown(app)
    app.query_params[RUN] = "somebodys-run"
    app.run()
    assert "resume" in [button.key for button in app.button]
