"""How runs end before their end: cancelled, at their cap or deadline, out of a day's limit, without a network."""

from __future__ import annotations

import asyncio

import pytest

from ketl.errors import (
    GoalError,
    LimitReachedError,
    ProviderError,
    RefusedError,
    UnreachableError,
    UnusableReplyError,
)
from ketl.provider.limits import Limits
from ketl.results.events import LaneClosed
from ketl.runs.run import Run
from tests.fakes import (
    ARABIC,
    ASIAN,
    SUCCESSOR,
    WESTERN,
    FakeProvider,
    lanes_for,
    open_fake,
    products,
    run_by_hand,
    selection,
    translate,
    translated,
)


def test_cancelling_keeps_what_is_done_and_sends_nothing_more():
    provider = FakeProvider(models=(WESTERN,), seconds=lambda call, user, number: 1.0)
    lanes = lanes_for(provider, Limits(rpm=60, rpm_burst=5))

    async def meddle(run: Run) -> None:
        await asyncio.sleep(6.5)
        run.cancel()

    result = translate(provider, selection(products(20), "es"), lanes, meddle=meddle)
    sent = len(provider.calls)
    assert result.status == "cancelled"
    assert sent - 2 <= result.report["translated"] <= sent - 1
    assert result.report["translated"] + result.report["cancelled"] == 60
    assert sent < 14


def test_a_run_cancelled_before_it_began_sends_nothing():
    provider = FakeProvider()

    async def go():
        run = Run(selection(products(2), "es"), open_fake(provider, lanes_for(provider)), None)
        run.cancel()
        return await run.execute()

    result = run_by_hand(go())
    assert provider.calls == [] and result.report["cancelled"] == 6


def test_a_cost_cap_stops_admission_before_it_is_crossed():
    provider = FakeProvider()
    cap = 0.004
    free_of_goals = selection(products(40), "es")
    whole = translate(FakeProvider(), free_of_goals).report["cost_usd"]
    assert whole > cap

    async def go():
        run = Run(free_of_goals, open_fake(provider, lanes_for(provider)), None)
        await run.prepare()
        # The plan would refuse this goal beforehand; here the run itself must hold it.
        run.selection = selection(products(40), "es", max_cost_usd=cap)
        return await run.execute()

    report = run_by_hand(go()).report
    assert 0 < report["cost_usd"] <= cap
    assert report["translated"] > 0 and "cost cap" in report["reason"]


def test_a_deadline_ends_the_run_cleanly():
    provider = FakeProvider(models=(WESTERN,), seconds=lambda call, user, number: 40.0 if number > 3 else 0.5)
    lanes = lanes_for(provider, Limits(rpm=600, rpm_burst=4))
    report = translate(provider, selection(products(2), "es", deadline_s=20.0), lanes).report
    assert report["makespan_s"] == pytest.approx(20.0, abs=0.1)
    assert report["translated"] == 4 and report["cancelled"] == 2
    assert "deadline" in report["reason"]


def test_a_deadline_that_no_plan_meets_is_said_before_anything_is_sent():
    provider = FakeProvider(models=(WESTERN,))
    lanes = lanes_for(provider, Limits(rpm=6, rpm_burst=1))
    with pytest.raises(GoalError, match="fastest plan takes about"):
        translate(provider, selection(products(20), "es", deadline_s=30.0), lanes)
    assert provider.calls == []


def test_a_spent_day_is_said_in_words_with_the_time_it_returns():
    provider = FakeProvider(models=(WESTERN,))
    lanes = lanes_for(provider, Limits(rpd=10))
    result = translate(provider, selection(products(10), "es"), lanes)
    failed = [r for r in result.rows() if r.status == "failed"]
    assert result.report["translated"] == 10 and len(failed) == 20
    assert all("takes more in 2 h 24 min" in r.reason for r in failed)


def test_a_spent_day_moves_the_rest_to_the_next_model():
    def answer(call, user, number):
        if call.model == WESTERN and number >= 10:
            return LimitReachedError("day", kind="TPD", limit=2e5, used=2e5, requested=500, wait_s=4000, model=WESTERN)
        return translated(user)

    provider = FakeProvider(answer)
    lanes = lanes_for(provider, Limits(rpm=6000, rpm_burst=2))
    result = translate(provider, selection(products(10), "es"), lanes)
    assert result.report["translated"] == 30
    (moved,) = result.report["substitutions"]
    assert (moved["from"], moved["to"]) == (WESTERN, SUCCESSOR)
    assert moved["reason"].startswith(
        f"The model {WESTERN} has reached its limit of tokens a day; it takes more in 1 h 5 min"
    )


@pytest.mark.parametrize(("kind", "what"), [("RPD", "requests"), ("TPD", "tokens")])
def test_a_spent_day_of_unknown_size_moves_the_rest_to_the_next_model(kind, what):
    def answer(call, user, number):
        if call.model == WESTERN and number >= 10:
            return LimitReachedError("day", kind=kind, wait_s=4000, model=WESTERN)
        return translated(user)

    provider = FakeProvider(answer)
    result = translate(provider, selection(products(10), "es"), lanes_for(provider, Limits(rpm=6000, rpm_burst=2)))
    assert result.report["translated"] == 30 and result.report["total_s"] < 4000
    (moved,) = result.report["substitutions"]
    assert moved["reason"].startswith(
        f"The model {WESTERN} has reached its limit of {what} a day; it takes more in 1 h"
    )


def test_a_spent_day_of_unknown_size_of_every_model_ends_the_texts_with_when_it_returns():
    def answer(call, user, number):
        return LimitReachedError("day", kind="RPD", wait_s=4000, model=call.model)

    provider = FakeProvider(answer)
    rows = list(translate(provider, selection(products(4), "es")).rows())
    assert {row.status for row in rows} == {"failed"}
    assert all("limit of requests a day" in row.reason and "takes more in 1 h" in row.reason for row in rows)


def test_a_text_larger_than_a_limit_moves_to_a_model_that_takes_it():
    provider = FakeProvider()
    lanes = lanes_for(provider)
    lanes[WESTERN].books.adopt(Limits(tpm=120), auto=False)
    report = translate(provider, selection(products(2), "es"), lanes).report
    assert report["translated"] == 6 and WESTERN not in report["models"]


def test_a_text_that_no_limit_can_hold_fails_with_a_reason():
    provider = FakeProvider()
    rows = list(translate(provider, selection(products(1), "es"), lanes_for(provider, Limits(tpm=120))).rows())
    assert {r.status for r in rows} == {"failed"} and provider.calls == []
    assert all("too long" in r.reason for r in rows)


def test_a_network_that_lets_nothing_through_stops_the_run_with_a_sentence():
    provider = FakeProvider(lambda call, user, number: RefusedError("A proxy blocks the requests.", code="blocked"))
    report = translate(provider, selection(products(40), "es")).report
    assert report["status"] == "cancelled" and report["reason"] == "A proxy blocks the requests."
    assert len(provider.calls) <= 4


DOWN = {
    "fails": (lambda: ProviderError("The provider failed (status 503).", status=503), "failed at every request"),
    "is out of reach": (lambda: UnreachableError("No network."), "not been reachable"),
    "sends what cannot be read": (lambda: UnusableReplyError("unreadable"), "sent nothing readable"),
    "refuses all": (lambda: LimitReachedError("limit", model=WESTERN), "refused every request"),
}


def since_the_first(provider: FakeProvider) -> float:
    return asyncio.get_running_loop().time() - provider.calls[0][0]


@pytest.mark.parametrize("products_", [2, 100])
@pytest.mark.parametrize("models", [(WESTERN,), (WESTERN, SUCCESSOR)], ids=["one model", "two models"])
@pytest.mark.parametrize("kind", DOWN)
def test_a_provider_that_is_down_for_good_ends_the_run_in_minutes_whatever_its_size(kind, models, products_):
    error, says = DOWN[kind]
    provider = FakeProvider(lambda call, user, number: error(), models=models)
    result = translate(provider, selection(products(products_), "es"), lanes_for(provider, plan="auto"))
    assert result.report["failed"] == 3 * products_ and result.report["total_s"] < 700
    if kind == "sends what cannot be read":
        assert result.report["total_s"] < 60
    elif kind != "refuses all":
        assert result.report["total_s"] < 200
    reasons = {row.reason for row in result.rows()}
    assert all("internal error" not in reason for reason in reasons)
    if products_ == 100:
        assert any(says in reason and "no other model may take this language" in reason for reason in reasons)


@pytest.mark.parametrize("kind", DOWN)
def test_a_run_waits_for_a_provider_that_was_down_for_four_minutes(kind):
    error, _ = DOWN[kind]

    def answer(call, user, number):
        return error() if 1.0 < since_the_first(provider) < 240.0 else translated(user)

    provider = FakeProvider(answer, models=(WESTERN,))
    lanes = lanes_for(provider, Limits(rpm=600, rpm_burst=10))
    told = []
    result = translate(provider, selection(products(60), "es"), lanes, watch=told.append)
    assert result.report["translated"] == 180
    closed = {event.reason for event in told if isinstance(event, LaneClosed)}
    assert closed == (set() if kind == "refuses all" else {"failed several times in a row"})


@pytest.mark.parametrize("models", [(WESTERN,), (WESTERN, ARABIC, ASIAN, SUCCESSOR)], ids=["one model", "four models"])
@pytest.mark.parametrize("kind", ["fails", "is out of reach"])
def test_a_provider_that_works_only_after_a_while_costs_a_small_run_no_text(kind, models):
    error, _ = DOWN[kind]

    def answer(call, user, number):
        return error() if since_the_first(provider) < 45.0 else translated(user)

    provider = FakeProvider(answer, models=models)
    report = translate(provider, selection(products(2), "es")).report
    assert report["translated"] == 6 and report["makespan_s"] < 60
    assert len(provider.calls) < 120


def test_a_text_that_always_fails_while_others_got_through_is_not_waited_for():
    def answer(call, user, number):
        bad = any("model 7" in text for text in user["segments"].values())
        return ProviderError("The provider failed (status 500).", status=500) if bad else translated(user)

    provider = FakeProvider(answer, models=(WESTERN,))
    report = translate(provider, selection(products(10), "es")).report
    assert report["translated"] == 29 and report["failed"] == 1
    assert report["makespan_s"] < 30 and len(provider.calls) <= 38


def test_the_only_text_that_fails_of_two_is_not_waited_for():
    def answer(call, user, number):
        bad = any("lining" in text for text in user["segments"].values())
        return ProviderError("The provider failed (status 500).", status=500) if bad else translated(user)

    # The other ones are answered before it fails for the first time.
    provider = FakeProvider(answer, models=(WESTERN,), seconds=lambda call, user, number: 0.001)
    report = translate(provider, selection(products(1), "es")).report
    assert report["translated"] == 2 and report["failed"] == 1 and report["makespan_s"] < 30


def test_failures_that_overtake_the_answers_close_no_model():
    provider = FakeProvider(models=(WESTERN,), seconds=lambda call, user, number: 3.0)
    provider.answer = lambda call, user, number: (
        ProviderError("The provider failed (status 500).", status=500) if number % 3 == 0 else translated(user)
    )
    told = []
    report = translate(provider, selection(products(40), "es"), lanes_for(provider), watch=told.append).report
    assert report["translated"] == 120 and not [event for event in told if isinstance(event, LaneClosed)]


def test_a_text_that_one_model_fails_at_again_and_again_is_given_to_the_next():
    def answer(call, user, number):
        bad = call.model == WESTERN and any("model 7" in text for text in user["segments"].values())
        return ProviderError("The provider failed (status 500).", status=500) if bad else translated(user)

    provider = FakeProvider(answer)
    result = translate(provider, selection(products(10), "es"))
    assert result.report["translated"] == 30


def test_a_model_alone_is_asked_again_where_others_would_be_asked_next():
    def answer(call, user, number):
        tried = provider.asked[next(iter(user["segments"].values())), user["target_tag"]]
        return UnusableReplyError("unreadable") if tried < 6 else translated(user)

    provider = FakeProvider(answer, models=(WESTERN,))
    assert translate(provider, selection(products(1), "es")).report["translated"] == 3
