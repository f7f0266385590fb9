"""The engine against a scripted provider on a hand-moved clock."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import pytest

from ketl.errors import (
    AuthenticationError,
    LimitReachedError,
    ModelGoneError,
    ProviderError,
    RefusedError,
    UnreachableError,
    UnusableReplyError,
)
from ketl.provider.limits import Limits
from ketl.provider.protocol import LimitFacts, Reply
from ketl.results.baseline import BaselineKind
from ketl.results.events import Substituted
from ketl.runs.job import Mode
from ketl.runs.run import Run
from tests.fakes import (
    ASIAN,
    SUCCESSOR,
    WESTERN,
    FakeProvider,
    lanes_for,
    open_fake,
    products,
    pseudo,
    run_by_hand,
    selection,
    translate,
    translated,
)


def texts(result) -> dict[tuple, str]:
    return {(r.product_id, r.field, r.item, r.language_tag): r.translation for r in result.rows()}


def test_every_unit_is_translated_and_each_segment_is_asked_once():
    provider = FakeProvider()
    result = translate(provider, selection(products(5, colors=("Black", "Navy")), "es", "ja", "ar"))
    rows = list(result.rows())
    assert [r.status for r in rows] == ["translated"] * (5 * 5 * 3)
    assert all(r.translation == pseudo(r.source, r.language_tag) for r in rows)
    assert set(provider.asked.values()) == {1}
    assert result.report["duplicates_avoided"] == 2 * 3 * 4


def test_parallel_is_as_long_as_the_longest_request_and_sequential_as_their_sum():
    chosen = selection(products(10), "es")
    parallel = FakeProvider(seconds=lambda call, user, n: 0.2 + 0.01 * n)
    fast = translate(parallel, chosen)
    sequential = FakeProvider(seconds=lambda call, user, n: 0.2 + 0.01 * n)
    slow = translate(sequential, selection(products(10), "es", mode=Mode.SEQUENTIAL))
    longest, total = 0.2 + 0.29, sum(0.2 + 0.01 * n for n in range(30))
    assert longest <= fast.report["makespan_s"] < longest * 1.1
    assert slow.report["makespan_s"] == pytest.approx(total, rel=0.01)
    assert sequential.most_in_flight == 1
    assert texts(fast) == texts(slow)


def test_measured_baseline_runs_the_same_requests_one_by_one():
    provider = FakeProvider()
    chosen = selection(products(4), "es", mode=Mode.COMPARE, baseline=BaselineKind.MEASURED)
    report = translate(provider, chosen).report
    assert report["baseline"]["kind"] == "measured"
    assert report["baseline"]["seconds"] == pytest.approx(12 * 0.5, rel=0.02)
    assert report["requests"] == 12
    assert report["speedup"] == pytest.approx(12, rel=0.1)
    assert set(provider.asked.values()) == {2}


def test_sampled_baseline_says_how_sure_it_is():
    provider = FakeProvider(seconds=lambda call, user, n: 0.3 + 0.1 * (n % 3))
    chosen = selection(products(20), "es", mode=Mode.COMPARE, baseline=BaselineKind.SAMPLED)
    baseline = translate(provider, chosen).report["baseline"]
    low, high = baseline["ci95_s"]
    assert baseline["kind"] == "sampled" and baseline["sample"] == 6
    assert low < baseline["seconds"] < high
    assert low < 60 * 0.4 < high


def test_projected_baseline_leaves_waits_for_limits_out():
    provider = FakeProvider(models=(WESTERN,), limits=LimitFacts(limit_tokens=1e9, remaining_tokens=1e9))
    lanes = lanes_for(provider, Limits(rpm=60, rpm_burst=5))
    report = translate(provider, selection(products(5), "es"), lanes).report
    assert report["baseline"] == {
        "kind": "projected",
        "seconds": pytest.approx(7.5, rel=0.01),
        "ci95_s": None,
        "sample": None,
    }
    assert report["makespan_s"] == pytest.approx(10.5, rel=0.02)
    assert report["models"][WESTERN]["waited_for_limits_s"] == pytest.approx(10, rel=0.05)


@pytest.mark.parametrize(
    "fault",
    [
        ProviderError("busy", status=503),
        ProviderError("broken", status=500),
        UnreachableError("reset"),
        UnusableReplyError("empty"),
        LimitReachedError("no capacity", kind="CAPACITY"),
    ],
    ids=lambda e: f"{type(e).__name__}-{e}",
)
def test_a_passing_fault_costs_a_retry_and_nothing_else(fault):
    def answer(call, user, number):
        return fault if number % 4 == 1 else translated(user)

    provider = FakeProvider(answer)
    report = translate(provider, selection(products(8), "es")).report
    assert report["translated"] == 24 and report["failed"] == 0
    assert report["attempts"] > report["requests"] == 24


def test_one_text_that_always_fails_is_one_failed_row_with_a_reason():
    def answer(call, user, number):
        if any("model 3" in text for text in user["segments"].values()):
            return ProviderError("The provider failed (status 500). This usually passes.")
        return translated(user)

    result = translate(FakeProvider(answer), selection(products(5), "es"))
    failed = [r for r in result.rows() if r.status == "failed"]
    assert [(r.product_id, r.field) for r in failed] == [("3", "name")]
    assert failed[0].translation == "" and "status 500" in failed[0].reason
    assert result.report["translated"] == 14


def test_a_key_refused_in_the_middle_stops_the_run_and_keeps_what_is_done():
    def answer(call, user, number):
        return AuthenticationError("The provider refused the API key.") if number >= 10 else translated(user)

    provider = FakeProvider(answer, models=(WESTERN,), seconds=lambda call, user, number: 0.25)
    lanes = lanes_for(provider, Limits(rpm=600, rpm_burst=1))
    report = translate(provider, selection(products(20), "es"), lanes).report
    assert report["status"] == "cancelled" and "API key" in report["reason"]
    assert 7 <= report["translated"] <= 10
    assert report["translated"] + report["cancelled"] == 60
    assert len(provider.calls) == 11


def test_a_model_that_retires_in_the_middle_is_replaced_and_nothing_is_lost():
    events = []

    def answer(call, user, number):
        if call.model == WESTERN and number >= 20:
            return ModelGoneError("The model is decommissioned.", model=WESTERN)
        return translated(user)

    provider = FakeProvider(answer)
    lanes = lanes_for(provider, Limits(rpm=600, rpm_burst=2))
    report = translate(provider, selection(products(20), "es"), lanes, watch=events.append).report
    assert report["translated"] == 60
    assert report["models"][WESTERN]["status_counts"]["gone"] <= 2
    assert [(e.source, e.target) for e in events if isinstance(e, Substituted)] == [(WESTERN, SUCCESSOR)]


def test_a_listed_model_that_is_gone_from_the_start_costs_two_calls_at_most():
    def answer(call, user, number):
        return ModelGoneError("gone", model=WESTERN) if call.model == WESTERN else translated(user)

    provider = FakeProvider(answer)
    report = translate(provider, selection(products(40), "es")).report
    assert report["translated"] == 120
    assert report["models"][WESTERN]["attempts"] <= 2


def test_the_same_language_on_a_refusing_model_moves_to_the_next():
    def answer(call, user, number):
        return RefusedError("not this one") if call.model == ASIAN else translated(user)

    provider = FakeProvider(answer)
    report = translate(provider, selection(products(2), "ja")).report
    assert report["translated"] == 6
    assert report["models"][SUCCESSOR]["requests"] == 6


def test_a_hung_request_is_raced_by_a_second_attempt():
    def seconds(call, user, number):
        return 1e6 if number == 17 else 0.4 + 0.02 * (number % 10)

    provider = FakeProvider(seconds=seconds)
    report = translate(provider, selection(products(12), "es")).report
    assert report["translated"] == 36
    assert report["makespan_s"] < 2.5
    assert report["hedges"] == 1


def test_even_traffic_is_never_hedged():
    provider = FakeProvider(seconds=lambda call, user, number: 0.2 + (number * 37 % 100) / 100)
    report = translate(provider, selection(products(100), "es")).report
    assert report["hedges"] == 0 and report["attempts"] == 300


def test_sequential_mode_never_has_two_in_flight_even_past_its_deadline():
    provider = FakeProvider(seconds=lambda call, user, number: 1e6 if number == 15 else 0.3)
    report = translate(provider, selection(products(10), "es", mode=Mode.SEQUENTIAL)).report
    assert report["translated"] == 30
    assert provider.most_in_flight == 1


def test_damaged_packs_cost_only_their_damaged_segments():
    broken = Counter()

    def answer(call, user, number):
        keys = list(user["segments"])
        if len(keys) > 3 and not broken["missing"]:
            broken["missing"] += 1
            return translated(user, **{keys[1]: None})
        if len(keys) > 3 and not broken["cut"]:
            broken["cut"] += 1
            whole = translated(user)
            return Reply(
                content=whole[: int(len(whole) * 0.7)], finish_reason="length", prompt_tokens=9, completion_tokens=9
            )
        return translated(user)

    provider = FakeProvider(answer)
    report = translate(provider, selection(products(8), "es", pack=8)).report
    assert report["translated"] == 24
    twice = [text for (text, _), times in provider.asked.items() if times > 1]
    assert 2 <= len(twice) <= 4


def test_a_request_that_is_too_large_is_split():
    def answer(call, user, number):
        if len(user["segments"]) > 2:
            return LimitReachedError("too large", kind="TPM", limit=8000, requested=9500, too_large=True)
        return translated(user)

    provider = FakeProvider(answer)
    report = translate(provider, selection(products(6), "es", pack=6)).report
    assert report["translated"] == 18
    assert max(len(u["segments"]) for _, _, u in provider.calls[3:]) <= 3


def test_a_fault_found_by_a_check_is_sent_back_once_with_the_fault_named():
    def answer(call, user, number):
        key, text = next(iter(user["segments"].items()))
        if "faults" not in user and "2 pockets" in text:
            return json.dumps({key: pseudo(text, "es").replace("2", "7")})
        return translated(user)

    provider = FakeProvider(answer)
    result = translate(provider, selection(products(3), "es"))
    repairs = [user for _, _, user in provider.calls if "faults" in user]
    assert result.report["translated"] == 9 and result.report["findings"] == {}
    assert len(repairs) == 1 and "2" in next(iter(repairs[0]["faults"].values()))[0]
    assert result.report["repair"]["1"] == {"tried": 1, "solved": 1}


def test_what_no_rung_mends_is_flagged_and_asking_again_stops_after_three_tries_a_rung():
    def answer(call, user, number):
        return json.dumps({k: pseudo(t, "es").replace("2", "7") for k, t in user["segments"].items()})

    chosen = selection(products(30), "es")
    provider = FakeProvider(answer)
    result = translate(provider, chosen)
    flagged = [r for r in result.rows() if r.findings]
    assert flagged and all("numbers" in {f.id for f in r.findings} for r in flagged)
    assert all(r.status == "translated" for r in flagged)
    assert sum("faults" in user for _, _, user in provider.calls) <= 9


def test_an_error_text_never_stands_in_the_place_of_a_translation():
    def answer(call, user, number):
        return json.dumps(dict.fromkeys(user["segments"], "I'm sorry, but I cannot help with that request."))

    rows = list(translate(FakeProvider(answer), selection(products(2), "es")).rows())
    assert {r.status for r in rows} == {"failed"}
    assert all(not r.translation and r.reason for r in rows)


def test_a_small_run_beside_a_large_one_takes_about_as_long_as_alone():
    alone = translate(FakeProvider(), selection(products(3), "fr")).report["makespan_s"]
    provider = FakeProvider()

    async def go():
        session = open_fake(provider, lanes_for(provider))
        large = asyncio.ensure_future(Run(selection(products(1000), "es"), session, None).execute())
        await asyncio.sleep(1.0)
        small = await Run(selection(products(3), "fr"), session, None).execute()
        assert not large.done()
        await large
        return small.report["makespan_s"]

    assert run_by_hand(go()) <= 2.2 * alone


def test_a_failing_lane_closes_and_its_work_goes_on_elsewhere():
    def answer(call, user, number):
        return ProviderError("down", status=503) if call.model == WESTERN else translated(user)

    provider = FakeProvider(answer)
    lanes = lanes_for(provider, Limits(rpm=6000, rpm_burst=5))
    report = translate(provider, selection(products(40), "es"), lanes).report
    assert report["translated"] == 120
    assert report["models"][WESTERN]["attempts"] < 60


def test_longer_requests_go_first():
    provider = FakeProvider()
    lanes = lanes_for(provider, Limits(rpm=60, rpm_burst=1))
    translate(provider, selection(products(4), "es"), lanes)
    lengths = [len(next(iter(u["segments"].values()))) for _, _, u in provider.calls[1:]]
    assert lengths[0] == max(lengths) and lengths[-1] == min(lengths)


@pytest.mark.parametrize("field", ["response_format", "reasoning"])
def test_a_body_field_that_a_model_comes_to_refuse_is_left_out_and_nothing_is_lost(field):
    def answer(call, user, number):
        refused = "response_format" in call.extra if field == "response_format" else "reasoning_effort" in call.extra
        return RefusedError("not supported", code=field) if refused else translated(user)

    provider = FakeProvider(answer, models=(SUCCESSOR,))
    report = translate(provider, selection(products(20), "es")).report
    assert report["translated"] == 60
    assert report["models"][SUCCESSOR]["status_counts"]["refused"] <= 90
