"""The app's pages run by Streamlit's own test driver, against the local server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from ketl.runs.host import RunView
from ketl.ui.session import RUN, runs

APP = Path(__file__).resolve().parents[2] / "app.py"


def fail_loudly(*_: object) -> str:
    # The exception that is being handled goes on, so that `app.exception` has it.
    raise


@pytest.fixture
def app(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    """The app as a fresh visitor of a fresh process has it, in Demo; a fault inside a page fails the test."""
    monkeypatch.setattr("ketl.logs.report", fail_loudly)
    st.cache_resource.clear()
    yield AppTest.from_file(str(APP), default_timeout=60)
    runs().close()
    st.cache_resource.clear()


@pytest.fixture
def keyed_app(keyed: str, app: AppTest) -> AppTest:
    """The same with a key, whose provider is the local server, answering at once."""
    return app


@pytest.fixture
def choose() -> Callable[..., None]:
    """Choose products by their rows, and languages, as the table and the box would."""

    def act(app: AppTest, rows: list[int], languages: list[str]) -> None:
        table = app.session_state.get("table", 0)
        app.session_state[f"table_{table}"] = {"selection": {"rows": rows, "columns": [], "cells": []}}
        app.session_state["languages"] = languages
        app.run()

    return act


@pytest.fixture
def finish() -> Callable[..., RunView]:
    """Run the page again and again, as its timer would, until its run has ended."""

    def act(app: AppTest) -> RunView:
        live = runs().get(app.session_state[RUN])
        assert live is not None
        while live.live:
            app.run()
        app.run()
        return live

    return act


@pytest.fixture
def shown() -> Callable[[AppTest], str]:
    """Return all that a page says in markdown, HTML, captions and boxes, as one text."""

    def act(app: AppTest) -> str:
        parts: list[Any] = [*app.markdown, *app.caption, *app.info, *app.error, *app.warning, *app.title]
        html = [element.proto.body for element in app.get("html")]
        return "\n".join([*(str(part.value) for part in parts), *html])

    return act


@pytest.fixture
def problems() -> Callable[[AppTest], list[str]]:
    """Return the sentences in a page's red boxes, as a reader sees them."""

    def act(app: AppTest) -> list[str]:
        html = "\n".join(element.proto.body for element in app.get("html"))
        return [unescape(said) for said in re.findall(r'<p class="k-note k-error" role="alert">(.*?)</p>', html)]

    return act
