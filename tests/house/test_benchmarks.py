"""The speed benchmark in its tiniest form: the neutral server keeps its rules, and every text comes back right."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from benchmarks.kills import Bench, Kill, make_catalogs
from benchmarks.kills import table as kills_table
from benchmarks.neutral_server import World, duration
from benchmarks.neutral_text import pseudo_translate
from benchmarks.scenarios import MODELS, SCENARIOS, Scenario
from benchmarks.soak import Sample, is_flat, slope
from benchmarks.soak import table as soak_table
from benchmarks.speed import ratio_of, row
from benchmarks.trial import NeutralServer, run_ours, run_peer
from ketl.simulator import SimulatorConfig, start_simulator

MODEL = MODELS[0]


@pytest.fixture(scope="module")
def server():
    with NeutralServer() as running:
        yield running


def tiny(**fields):
    fields = {"latency": {"kind": "zero"}, **fields}
    return Scenario(name="tiny", title="tiny", products=1, languages=("Spanish", "Japanese"), k=4, **fields)


def test_every_text_of_ours_and_of_a_peer_comes_back_right(server: NeutralServer, tmp_path: Path):
    scenario = tiny()
    ours = run_ours(scenario, server, tmp_path)
    peer = run_peer(scenario, server, tmp_path, "semaphore on aiohttp")
    assert (ours.right, peer.right) == (6, 6)
    assert ours.stats["attempts"] == peer.stats["attempts"] == 6
    assert (ours.refusals, ours.billed_again) == (0, 0)


def test_ours_survives_spoilt_answers_and_they_are_counted_apart(server: NeutralServer, tmp_path: Path):
    spoiling = tiny(faults={"empty": 0.3, "cut": 0.2})
    ours = run_ours(spoiling, server, tmp_path)
    spoilt = sum(n for name, n in ours.stats.items() if name.startswith("spoilt_"))
    assert ours.right == 6
    assert spoilt > 0
    assert ours.stats["billed"] == 6 + spoilt


def test_a_refusal_names_limit_and_wait_and_time_refills_the_bucket():
    world = World({"models": {MODEL: {"rpm": 60, "rpm_burst": 2}}}, 0.0)
    assert world.refusal(MODEL, 100, 50, 0.0) is None
    assert world.refusal(MODEL, 100, 50, 0.0) is None
    refused = world.refusal(MODEL, 100, 50, 0.25)
    assert refused is not None
    status, body, wait_s = refused
    assert (status, wait_s) == (429, pytest.approx(0.75))
    assert "(RPM): Limit 60, Used 2, Requested 1. Please try again in 750ms." in json.loads(body)["error"]["message"]
    assert world.refusal(MODEL, 100, 50, 1.0) is None


def test_tokens_reserved_and_not_used_are_given_back():
    world = World({"models": {MODEL: {"tpm": 1_000}}}, 0.0)
    assert world.refusal(MODEL, 400, 600, 0.0) is None
    world.settle(MODEL, 500, 0.0)
    assert world.refusal(MODEL, 400, 100, 0.0) is None
    assert world.refusal(MODEL, 1, 0, 0.0) is not None


def test_a_request_larger_than_the_bucket_is_too_large_for_good():
    world = World({"models": {MODEL: {"tpm": 1_000}}}, 0.0)
    refused = world.refusal(MODEL, 900, 200, 0.0)
    assert refused is not None
    assert refused[0] == 413


@pytest.mark.parametrize(("seconds", "said"), [(0.585, "585ms"), (11.455, "11.455s"), (578.016, "9m38.016s")])
def test_durations_are_written_as_the_provider_writes_them(seconds: float, said: str):
    assert duration(seconds) == said


@pytest.mark.parametrize("tag", ["es", "ru", "ar", "ja", "zh-Hans", "ko", "hi", "th", "el", "he"])
def test_pseudo_translation_keeps_what_must_survive(tag: str):
    source = "Weighs 121g, <b>79gsm</b> in {size} by KETL Mtn. ⟦1⟧ and UPF 50+"
    written = pseudo_translate(source, tag)
    for kept in ("121g", "<b>", "79gsm", "</b>", "{size}", "KETL Mtn.", "⟦1⟧", "UPF", "50+"):
        assert kept in written
    assert "Weighs" not in written
    assert "and" not in written


def test_a_ratio_is_the_makespan_over_the_bucket_arithmetic(server: NeutralServer, tmp_path: Path):
    scenario = tiny(limits={"rpm": 6_000, "rpm_burst": 1}, models=(MODEL,), unit="bound")
    assert scenario.bound_s({}) == pytest.approx(0.05)
    trial = run_ours(scenario, server, tmp_path)
    ratio = ratio_of(scenario, trial)
    assert ratio == pytest.approx(trial.makespan_s / 0.05)
    assert row(scenario, trial, ratio).startswith("| tiny | **ours** | 6 of 6 |")


def test_scenarios_have_names_of_their_own():
    names = [scenario.name for scenario in SCENARIOS]
    assert len(set(names)) == len(names)


def samples(memory_mb: list[float]) -> list[Sample]:
    return [
        Sample(seconds=15.0 * at, runs=at, memory_mb=value, server_mb=30.0, descriptors=20 + at % 3, tasks=1, threads=8)
        for at, value in enumerate(memory_mb)
    ]


def test_a_soak_tells_a_leak_from_caches_that_fill() -> None:
    settled = samples([100 + 4 * (1 - 0.8**at) for at in range(40)])
    leaking = samples([100 + 0.5 * at for at in range(40)])
    assert is_flat(settled, "memory_mb") and is_flat(settled, "descriptors") and is_flat(settled, "tasks")
    assert not is_flat(leaking, "memory_mb")
    assert slope(leaking, "memory_mb") == pytest.approx(2.0)
    assert "| memory_mb |" in soak_table(leaking) and "grows" in soak_table(leaking)


def test_kills_are_counted_by_database_and_place() -> None:
    kills = [
        Kill(place="anywhere", database="sqlite", when="interrupted", in_flight=5, paid_twice=7),
        Kill(place="anywhere", database="sqlite", when="not journalled", in_flight=1, lost=2),
        Kill(place="writing", database="sqlite", when="finished", drafts=1),
    ]
    assert [kill.good for kill in kills] == [True, False, False]
    _, _, anywhere, writing = kills_table(kills).splitlines()
    assert anywhere == "| sqlite | anywhere | 2 | 1 / 1 / 0 | 2 | 0 | 0 | 0 | 3.0, 5 | 3.5, 7 | 2 |"
    assert "| 0 / 0 / 1 | 0 | 0 | 1 | 0 |" in writing


def test_a_killed_run_is_finished_with_the_same_file(tmp_path: Path) -> None:
    make_catalogs(tmp_path)
    with start_simulator(config=SimulatorConfig(plan="unlimited", latency_s=(0.0, 0.01))) as server:
        bench = Bench(server, tmp_path, random.Random(7), None)
        calm = bench.undisturbed("baseline", "sqlite")
        done = bench.kill("baseline", "sqlite", calm)
    assert len(calm.rows) == 30 and calm.requests == 60 and calm.parallel == 30
    assert done.good and done.when == "interrupted", done
