"""The engine over real sockets, through the real SDK, against the local server."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ketl.catalog.catalog import Catalog
from ketl.cli import main
from ketl.provider.models import MODELS
from ketl.provider.tiers import load_tier
from ketl.runs.connection import open_connection
from ketl.runs.job import Mode
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.runs.selection import Selection
from ketl.settings import load_settings
from ketl.simulator import RunningSimulator
from ketl.store.records import RunStatus
from ketl.store.store import Store
from tests.fakes import ARABIC, ASIAN, WESTERN, products, selection

ROOT = Path(__file__).resolve().parents[2]
LANGUAGES = ("es", "ja", "ar")


def run(*chosen: Selection, plan: str = "unlimited", store: Store | None = None) -> list[RunResult]:
    """Run selections at the same time in one session with the provider of the environment."""

    async def go() -> list[RunResult]:
        async with await open_connection(load_settings(), load_tier(plan), store) as session:
            return list(await asyncio.gather(*(Run(one, session, store).execute() for one in chosen)))

    return asyncio.run(go())


def texts(result: RunResult) -> dict[tuple[Any, ...], str]:
    return {(r.product_id, r.field, r.item, r.language_tag): r.translation for r in result.rows()}


def asked(simulator: RunningSimulator) -> Counter[tuple[str, str]]:
    """Return how often the server was asked for each source and language."""
    counted: Counter[tuple[str, str]] = Counter()
    for _, tag, source, times in simulator.stats()["seen"]:
        counted[source, tag] += times
    return counted


def statuses(result: RunResult) -> Counter[str]:
    counted: Counter[str] = Counter()
    for model in result.report["models"].values():
        counted.update(model["status_counts"])
    return counted


@pytest.mark.usefixtures("keyed")
def test_parallel_and_sequential_texts_are_equal_and_each_segment_is_asked_once(simulator: RunningSimulator) -> None:
    catalog = products(8, colors=("Black", "Navy"))
    [parallel] = run(selection(catalog, *LANGUAGES))
    assert parallel.report["translated"] == 8 * 5 * 3
    assert set(parallel.report["models"]) == {WESTERN, ASIAN, ARABIC}
    assert set(asked(simulator).values()) == {1} and len(asked(simulator)) == parallel.report["segments"]
    simulator.reset()
    [sequential] = run(selection(catalog, *LANGUAGES, mode=Mode.SEQUENTIAL))
    assert texts(sequential) == texts(parallel)
    assert simulator.stats()["max_in_flight"] == 1


@pytest.mark.usefixtures("keyed")
def test_packed_texts_are_the_texts_of_single_requests(simulator: RunningSimulator) -> None:
    catalog = products(8, colors=("Black", "Navy"))
    [single] = run(selection(catalog, *LANGUAGES))
    simulator.reset()
    [packed] = run(selection(catalog, *LANGUAGES, pack=16))
    assert texts(packed) == texts(single)
    assert packed.report["requests"] <= single.report["requests"] / 6


@pytest.mark.usefixtures("keyed")
def test_sequential_seconds_agree_with_the_servers(simulator: RunningSimulator) -> None:
    simulator.configure({"latency_s": [0.1, 0.2], "time_scale": 1})
    simulator.reset()
    [result] = run(selection(products(3), "es", mode=Mode.SEQUENTIAL))
    stats = simulator.stats()
    # By the server's own record each request began after the one before had ended, whatever else the machine did.
    assert [what for what, _ in stats["turns"]] == ["begin", "end"] * 9
    times = [at for _, at in stats["turns"]]
    assert times == sorted(times)
    served_s = sum(end - begin for begin, end in zip(times[::2], times[1::2], strict=True))
    # Ours hold the server's, and lie within the server's own time from before the run to after it.
    busy_s, makespan_s, rounding = result.report["models"][WESTERN]["busy_s"], result.report["makespan_s"], 0.001
    assert 0.9 <= served_s <= busy_s + rounding and busy_s <= makespan_s + rounding
    assert times[-1] - times[0] <= makespan_s + rounding and makespan_s <= stats["uptime_s"] + rounding


@pytest.mark.usefixtures("keyed")
def test_with_faults_of_every_kind_on_everything_is_right_and_nothing_lost(simulator: RunningSimulator) -> None:
    catalog = products(40)
    [clean] = run(selection(catalog, *LANGUAGES))
    simulator.reset()
    simulator.configure(
        {"faults": {"500": 0.03, "503": 0.03, "498": 0.02, "reset": 0.03, "cut_body": 0.02, "empty": 0.03}}
    )
    [faulty] = run(selection(catalog, *LANGUAGES))
    assert faulty.report["failed"] == faulty.report["cancelled"] == 0
    assert texts(faulty) == texts(clean)
    assert sum(simulator.stats()["faults"].values()) > 10


@pytest.mark.usefixtures("keyed")
def test_no_damaged_text_passes_for_a_clean_one(simulator: RunningSimulator) -> None:
    # Numbers above 2: many languages say one and two with an article or a dual form, which no check may doubt.
    catalog = Catalog.of(list(products(44))[4:])
    [clean] = run(selection(catalog, *LANGUAGES))
    simulator.reset()
    simulator.configure({"damage_every": 6})
    [damaged] = run(selection(catalog, *LANGUAGES))
    right = texts(clean)
    doubted = {
        (r.product_id, r.field, r.item, r.language_tag)
        for r in damaged.rows()
        if r.status == "failed" or any(f.severity == "error" for f in r.findings)
    }
    wrong = {unit: text for unit, text in texts(damaged).items() if text != right[unit]}
    assert {unit: (text, right[unit]) for unit, text in wrong.items() if unit not in doubted} == {}
    assert len(wrong) <= 0.01 * len(right)


@pytest.mark.usefixtures("keyed")
def test_a_model_that_retires_in_the_middle_costs_at_most_two_calls(
    simulator: RunningSimulator, tmp_path: Path
) -> None:
    simulator.configure({"retire_after_requests": {WESTERN: 20}})
    paced = tmp_path / "paced.json"
    paced.write_text(json.dumps({name: {"rpm": 2400, "rpm_burst": 2} for name in MODELS}))
    [result] = run(selection(products(60), "es"), plan=str(paced))
    assert result.report["translated"] == 180 and result.report["failed"] == 0
    counts = simulator.stats()["models"][WESTERN]["status_counts"]
    assert counts["200"] == 20 and 1 <= counts["400"] <= 2
    assert [s["from"] for s in result.report["substitutions"]] == [WESTERN]


@pytest.mark.parametrize("plan", ["free", "auto"])
@pytest.mark.usefixtures("keyed")
def test_a_small_run_on_the_free_plan_is_never_refused(simulator: RunningSimulator, plan: str) -> None:
    simulator.configure({"plan": "free"})
    [result] = run(selection(products(8), *LANGUAGES, pack=None), plan=plan)
    assert result.report["translated"] == 72
    assert set(statuses(result)) == {"200"} and result.report["refusals"] == 0


@pytest.mark.usefixtures("keyed")
def test_limits_that_nobody_told_are_learned_once(simulator: RunningSimulator) -> None:
    simulator.configure({"plan": {"*": {"rpm": 600, "rpm_burst": 10, "tpm": 1_000_000}}})
    [first] = run(selection(products(50), "es"), plan="auto")
    [second] = run(selection(products(10), "es"), plan="auto")
    assert (first.report["translated"], second.report["translated"]) == (150, 30)
    assert first.report["failed"] == second.report["failed"] == 0
    # A busy machine may be too slow to meet a model's limit in the first run: that is then learned in the second.
    told, again = (
        {name: model["status_counts"].get("429", 0) for name, model in result.report["models"].items()}
        for result in (first, second)
    )
    assert sum(told.values()) > 0
    assert sum(number for name, number in again.items() if told.get(name)) <= 3


@pytest.mark.usefixtures("keyed")
def test_two_runs_at_once_never_pay_for_the_same_segment(simulator: RunningSimulator, tmp_path: Path) -> None:
    simulator.configure({"latency_s": [0.01, 0.02], "time_scale": 1})
    chosen = selection(products(10), *LANGUAGES)
    chosen = replace(chosen, job=replace(chosen.job, memory=True))
    with Store(f"sqlite:///{tmp_path / 'ketl.sqlite3'}") as store:
        first, second = run(chosen, chosen, store=store)
        assert set(asked(simulator).values()) == {1}
        assert texts(first) == texts(second) and first.report["translated"] == second.report["translated"] == 90
        simulator.reset()
        [third] = run(chosen, store=store)
    assert simulator.stats()["requests"] == 0
    assert third.report["from_memory"] == 90 and texts(third) == texts(first)


def wait_for(condition: Any, what: str, seconds: float = 30.0) -> None:
    """Return when `condition()` holds; fail when it does not in time."""
    late = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < late, f"waited in vain for {what}"


def test_a_killed_run_is_resumed_and_sends_only_what_was_missing(
    simulator: RunningSimulator, keyed: str, home: Path, tmp_path: Path
) -> None:
    simulator.configure({"latency_s": [0.02, 0.02], "time_scale": 1})
    words = ["translate", "--language", "Spanish", "--mode", "sequential", "--pack", "1", "--no-memory"]
    with subprocess.Popen(
        [sys.executable, "-m", "ketl", *words, "--out", str(tmp_path / "never.csv")],
        cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as killed:  # fmt: skip
        wait_for(lambda: killed.poll() or simulator.stats(seen=False)["requests"] >= 3, "the first requests")
        assert killed.poll() is None
        with Store() as store:
            [record] = store.journal.runs()
            wait_for(lambda: len(list(store.journal.outcomes(record.run_id))) >= 10, "the journal's first outcomes")
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            kept = {(o.key, o.language_tag): o.text for o in store.journal.outcomes(record.run_id)}
            assert store.journal.run(record.run_id).status is RunStatus.INTERRUPTED
    before = asked(simulator)
    assert 10 <= len(kept) <= len(before) < 150 and not (tmp_path / "never.csv").exists()

    simulator.configure({"time_scale": 0, "latency_s": None})
    simulator.reset()
    out = tmp_path / "resumed.csv"
    assert main(["translate", "--resume", record.run_id, "--out", str(out)]) == 0
    with out.open(encoding="utf-8-sig", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["status"] for row in rows} == {"translated"}
    after = asked(simulator)
    assert set(after.values()) == {1}
    # What was journalled is not asked again; what was on its way when the power went may be.
    assert len(after) + len(kept) == len({row["source"] + row["field"] for row in rows})
    with Store() as store:
        assert store.journal.run(record.run_id).status is RunStatus.FINISHED
        assert set(kept.values()) <= {row["translation"].removeprefix("'") for row in rows} | {""}
