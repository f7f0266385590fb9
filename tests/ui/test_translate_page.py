"""What a merchandiser sees on the Translate page: empty, planned, running, done, partly failed, with bad input."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable
from html import escape

import pytest
from streamlit.testing.v1 import AppTest

from ketl.errors import RunError
from ketl.runs.host import RunView
from ketl.runs.job import Job, job_to_json
from ketl.simulator import RunningSimulator
from ketl.store.store import Store
from ketl.ui.downloads import file_bytes
from ketl.ui.results import FAILED
from ketl.ui.session import RUN, runs

Choose = Callable[..., None]
Finish = Callable[..., RunView]
Shown = Callable[[AppTest], str]
Problems = Callable[[AppTest], list[str]]


def test_an_empty_page_says_what_to_choose_and_that_it_is_a_demo(app: AppTest, shown: Shown) -> None:
    app.run()
    assert not app.exception
    assert "Choose at least one product and one language" in shown(app)
    assert app.button("start").disabled
    assert "Demo" in shown(app) and "GROQ_API_KEY" in shown(app)


def test_with_a_key_the_page_says_groq_and_never_shows_the_key(keyed_app: AppTest, keyed: str, shown: Shown) -> None:
    keyed_app.run()
    assert "billed to your key" in shown(keyed_app)
    assert "Demo" not in shown(keyed_app)
    assert keyed not in shown(keyed_app)


def test_a_key_with_spaces_is_a_sentence_and_no_traceback(
    app: AppTest, monkeypatch: pytest.MonkeyPatch, shown: Shown
) -> None:
    monkeypatch.setenv("GROQ_API_KEY", "gsk_one two")
    app.run()
    assert not app.exception
    assert "Copy the key again" in shown(app)
    assert "gsk_one" not in shown(app)
    monkeypatch.delenv("GROQ_API_KEY")


def test_a_key_may_stand_in_the_secrets_file(simulator: RunningSimulator, app: AppTest, shown: Shown) -> None:
    app.secrets["GROQ_API_KEY"] = "gsk_from_the_secrets"
    app.secrets["GROQ_BASE_URL"] = simulator.base_url
    app.run()
    assert "billed to your key" in shown(app)
    assert "gsk_from_the_secrets" not in shown(app)


def test_a_refused_key_is_a_sentence_and_nothing_can_be_started(
    simulator: RunningSimulator, keyed_app: AppTest, choose: Choose, shown: Shown, problems: Problems
) -> None:
    simulator.configure({"keys": ["another-key"]})
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    assert not keyed_app.exception
    assert "key" in problems(keyed_app)[0] and "Traceback" not in shown(keyed_app)
    assert keyed_app.button("start").disabled


def test_before_the_button_the_page_says_what_it_will_take(keyed_app: AppTest, choose: Choose) -> None:
    keyed_app.run()
    choose(keyed_app, [0, 1], ["es", "ja"])
    metrics = {metric.label: metric.value for metric in keyed_app.metric}
    assert metrics["Translations"] == "34"
    assert set(metrics) == {"Translations", "Requests", "Tokens", "Cost", "Predicted time", "One after another"}
    assert not keyed_app.button("start").disabled


def test_selected_rows_of_the_table_are_the_products_chosen(keyed_app: AppTest, shown: Shown) -> None:
    keyed_app.run()
    keyed_app.session_state["table_0"] = {"selection": {"rows": [1, 3], "columns": [], "cells": []}}
    keyed_app.run()
    assert keyed_app.session_state["products"] == ("2", "4")
    assert "2 of 24 products chosen" in shown(keyed_app)


def test_all_chooses_only_what_the_filter_leaves(keyed_app: AppTest) -> None:
    keyed_app.run()
    keyed_app.text_input("find").set_value("socks").run()
    keyed_app.button("all").click().run()
    assert keyed_app.session_state["products"] == ("7", "8")
    keyed_app.text_input("find").set_value("").run()
    assert keyed_app.session_state["products"] == ("7", "8")
    keyed_app.button("none").click().run()
    assert keyed_app.session_state["products"] == ()


def test_a_run_ends_with_a_sentence_cards_and_a_file(
    keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown
) -> None:
    keyed_app.run()
    choose(keyed_app, [0], ["es", "ar"])
    keyed_app.button("start").click().run()
    live = finish(keyed_app)
    page = shown(keyed_app)
    assert not keyed_app.exception
    assert "9 texts into 2 languages in" in page and "one after another it would have taken" in page
    assert 'dir="rtl" lang="ar"' in page
    content = file_bytes(live, "long", ".csv")
    assert content.startswith(b"\xef\xbb\xbf")
    assert len(list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))) == 18


def test_what_the_database_did_not_take_and_what_nobody_told_is_said_beside_the_result(
    keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown
) -> None:
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    keyed_app.button("start").click().run()
    live = finish(keyed_app)
    assert live.result is not None and "is not known" not in shown(keyed_app)
    live.result.unsaved = RunError("The disk is *full*.")
    live.result.report |= {"cost_usd": None, "untold": 2, "told_usd": 0.0}
    keyed_app.run()
    assert "The disk is *full*. Download the files before you leave this page." in shown(keyed_app)
    assert "What 2 answers cost is not known" in shown(keyed_app)


def test_while_it_works_the_page_counts_and_offers_to_cancel(
    simulator: RunningSimulator, keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown
) -> None:
    simulator.configure({"time_scale": 1, "latency_s": [20, 20]})
    keyed_app.run()
    choose(keyed_app, [0, 1], ["es"])
    keyed_app.button("start").click().run()
    while not keyed_app.get("progress"):
        keyed_app.run()
    assert keyed_app.button("start").disabled
    second = AppTest.from_file(keyed_app._script_path, default_timeout=60)
    second.query_params[RUN] = keyed_app.session_state[RUN]
    second.run()
    assert second.button("cancel")
    keyed_app.button("cancel").click().run()
    live = finish(keyed_app)
    assert live.status == "cancelled"
    assert "Ended early" in shown(keyed_app)


def test_a_fresh_visitor_with_the_address_sees_the_run_and_its_choice(
    keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown
) -> None:
    keyed_app.run()
    choose(keyed_app, [2], ["de"])
    keyed_app.button("start").click().run()
    live = finish(keyed_app)
    second = AppTest.from_file(keyed_app._script_path, default_timeout=60)
    second.query_params[RUN] = live.run_id
    second.run()
    assert "8 texts into 1 language" in shown(second)
    assert second.session_state["products"] == ("3",)
    assert second.session_state["languages"] == ["de"]


def test_failed_texts_say_why_and_can_be_filtered(
    simulator: RunningSimulator, keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown
) -> None:
    simulator.configure({"script": [{"fault": "refusal", "times": None, "tag": "ja"}]})
    keyed_app.run()
    choose(keyed_app, [0], ["es", "ja"])
    keyed_app.button("start").click().run()
    live = finish(keyed_app)
    assert live.result is not None and live.result.report["failed"] == 9
    assert "9 failed" in shown(keyed_app)
    failed = next(row for row in live.result.rows() if row.status == "failed")
    assert failed.reason and escape(failed.reason) in shown(keyed_app)
    assert "Español" in shown(keyed_app)
    keyed_app.session_state["filter"] = FAILED
    keyed_app.run()
    assert "日本語" in shown(keyed_app) and "Español" not in shown(keyed_app)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("broken.json", b'[{"product_id": 1,', "broken.json is not a readable catalogue"),
        ("empty.json", b"", "empty.json is empty"),
        ("utf16.json", "[]".encode("utf-16"), "not UTF-8"),
        ("letter.json", b'{"dear": "customer"}', "holds no products"),
        ("twice.json", json.dumps([{"product_id": 1, "name": "A"}] * 2).encode(), "more than once"),
    ],
)
def test_a_bad_catalogue_is_named_in_a_sentence_and_changes_nothing(
    keyed_app: AppTest, shown: Shown, name: str, content: bytes, words: str
) -> None:
    keyed_app.run()
    keyed_app.file_uploader[0].upload(name, content).run()
    assert not keyed_app.exception
    assert words in shown(keyed_app)
    assert "<bdi>KETL Mtn. catalogue</bdi></strong>, 24 products" in shown(keyed_app)


def test_another_catalogue_can_be_translated_and_left_again(
    keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown
) -> None:
    rows = [{"product_id": "A-1", "product_name": "Rope Bag <b>XL</b>", "available_colors": ["Red", "Blue"]}]
    keyed_app.run()
    keyed_app.file_uploader[0].upload("ropes.jsonl", "\n".join(map(json.dumps, rows)).encode()).run()
    assert "<bdi>ropes.jsonl</bdi></strong>, 1 product<" in shown(keyed_app)
    choose(keyed_app, [0], ["fr"])
    keyed_app.button("start").click().run()
    live = finish(keyed_app)
    assert live.result is not None and live.result.report["units"] == 3
    assert "Rope Bag &lt;b&gt;XL&lt;/b&gt;" in shown(keyed_app)
    keyed_app.button("shipped").click().run()
    assert "24 products" in shown(keyed_app)


def test_the_choice_stays_open_while_it_is_changed_beside_a_run(
    keyed_app: AppTest, choose: Choose, finish: Finish
) -> None:
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    assert keyed_app.expander[0].proto.expanded
    keyed_app.button("start").click().run()
    finish(keyed_app)
    assert not keyed_app.expander[0].proto.expanded
    keyed_app.session_state["chooser"] = True
    choose(keyed_app, [0, 1], ["es"])
    keyed_app.run()
    assert keyed_app.expander[0].label == "What to translate: 2 products, 1 language"
    assert keyed_app.expander[0].proto.expanded
    keyed_app.session_state["chooser"] = False
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    keyed_app.run()
    assert not keyed_app.expander[0].proto.expanded


def test_a_second_run_of_the_same_costs_nothing_and_says_so(
    keyed_app: AppTest, choose: Choose, finish: Finish, shown: Shown
) -> None:
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    for _ in range(2):
        keyed_app.button("start").click().run()
        finish(keyed_app)
    assert "nothing was sent and nothing was paid" in shown(keyed_app)
    assert len(runs().recent()) == 2


def test_an_address_of_a_run_that_is_gone_says_so(app: AppTest, shown: Shown) -> None:
    app.run()
    runs().store.journal.start_run("an-old-run", engine="demo", mode="parallel", spec={}, counts={})
    runs().store.journal.finish_run("an-old-run", "finished", {})
    app.query_params[RUN] = "an-old-run"
    app.run()
    assert "costs nothing" in shown(app)


def test_a_run_that_was_interrupted_can_be_finished(keyed_app: AppTest, finish: Finish, shown: Shown) -> None:
    job = Job(products=("1",), languages=("es",))
    with Store(clock=lambda: time.time() - 100) as an_earlier_process:
        an_earlier_process.journal.start_run(
            "cut-short", engine="groq", mode="parallel", spec=job_to_json(job), counts={}
        )
    keyed_app.run()
    assert "ended before everything was translated" not in shown(keyed_app)
    assert "Open the address" in shown(keyed_app)
    keyed_app.query_params[RUN] = "cut-short"
    keyed_app.run()
    assert "ended before everything was translated" in shown(keyed_app)
    keyed_app.button("resume").click().run()
    live = finish(keyed_app)
    assert live.run_id == "cut-short"
    assert live.result is not None and live.result.report["translated"] == 9


def test_what_a_cancelled_run_left_can_be_translated_later(
    simulator: RunningSimulator, keyed_app: AppTest, choose: Choose, finish: Finish
) -> None:
    simulator.configure({"time_scale": 1, "latency_s": [20, 20]})
    keyed_app.run()
    choose(keyed_app, [0], ["es"])
    keyed_app.button("start").click().run()
    while not keyed_app.get("progress"):
        keyed_app.run()
    keyed_app.button("cancel").click().run()
    assert finish(keyed_app).status == "cancelled"
    simulator.configure({"time_scale": 0})
    keyed_app.button("rest").click().run()
    live = finish(keyed_app)
    assert live.result is not None and live.result.report["translated"] == 9
