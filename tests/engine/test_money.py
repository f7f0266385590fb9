"""What a run pays: every billed answer, what was given up besides, and a cap that no answer can talk it over."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketl._figures import dollars
from ketl.engine.refusals import Refusals
from ketl.engine.work import Work, WorkLimits
from ketl.errors import ACCOUNT, ProviderError, RefusedError, RunError, UnreachableError, UnusableReplyError
from ketl.provider.limits import Limits
from ketl.provider.models import model_facts
from ketl.provider.protocol import Call, LimitFacts
from ketl.results.events import Answered
from ketl.results.report import given_up_words, untold_words
from ketl.results.tally import Tally
from tests.engine.direct import Happened, Seen, jackets, reply, work_through
from tests.fakes import SUCCESSOR, WESTERN, FakeProvider, lanes_for, products, selection, translate, translated

PRICED = model_facts(WESTERN)
Answer = Callable[[Call, dict[str, Any], int], Any]


def usd(prompt: float, completion: float) -> float:
    return (prompt * (PRICED.prompt_usd or 0.0) + completion * (PRICED.completion_usd or 0.0)) / 1e6


def tally_of(happened: Happened) -> Tally:
    tally = Tally()
    for event in happened.events:
        tally.add(event)
    return tally


@pytest.mark.parametrize("content", ["", "no object at all", "{", '{"other": "x"}'])
def test_an_answer_that_brings_nothing_is_paid_settled_and_told(content: str) -> None:
    provider = Seen(lambda call, user, number: reply(content) if number == 0 else translated(user), models=(WESTERN,))
    happened = work_through(provider, [jackets(1)])
    first = happened.of(Answered)[0]
    assert first.status == "unusable" and first.tokens == (300, 40, 0)
    assert first.cost_usd == pytest.approx(usd(300, 40))
    assert len(happened.outcomes) == 1 and tally_of(happened).given_up == 0


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt": None, "completion": None},
        {"prompt": 9_000_000, "completion": 40},
        {"prompt": 100_000, "completion": 40},
        {"completion": 9_000_000},
        {"completion": 30_000},
        {"prompt": 0, "completion": 0},
        {"prompt": 1, "completion": 40},
        {"completion": 0},
    ],
)
def test_what_an_answer_cost_is_not_known_when_its_usage_is_none_or_cannot_be_true(usage: dict[str, Any]) -> None:
    provider = Seen(lambda call, user, number: reply(translated(user), **usage), models=(WESTERN,))
    lanes = lanes_for(provider)
    report = translate(provider, selection(products(20), "es", pack=1), lanes).report
    assert report["translated"] == 60 and report["cost_usd"] is None
    assert lanes[WESTERN].tokens.prompt <= 1.5
    # The cap counts what each may have taken.
    cap = usd(300, 80) * 10
    capped = work_through(
        Seen(provider.answer, models=(WESTERN,)),
        [[item] for item in jackets(200)],
        limits=WorkLimits(max_cost_usd=cap, max_in_flight=2),
    )
    assert capped.work.stopped is not None and len(capped.outcomes) < 60
    assert "did not tell what" in str(capped.work.stopped) and "the most it may be was counted" in str(
        capped.work.stopped
    )


def test_a_prompt_that_is_told_to_be_huge_makes_no_text_too_long() -> None:
    provider = Seen(lambda call, user, number: reply(translated(user), prompt=131_000), models=(WESTERN,))
    provider.seconds = lambda *_: 0.01
    lanes = lanes_for(provider, Limits(rpm=6_000, rpm_burst=2))
    assert translate(provider, selection(products(40), "es", pack=1), lanes).report["translated"] == 120


def test_a_limit_below_what_was_taken_at_once_is_none() -> None:
    facts = LimitFacts(limit_tokens=9.0, remaining_tokens=4.0)
    provider = FakeProvider(models=(WESTERN,), limits=facts, seconds=lambda *_: 0.01)
    lanes = lanes_for(provider, Limits(rpm=6_000, rpm_burst=2), plan="auto")
    report = translate(provider, selection(products(40), "es", pack=1), lanes).report
    assert report["translated"] == 120


def test_what_an_answer_cost_that_cannot_be_read_is_not_known() -> None:
    answer = lambda call, user, number: UnusableReplyError("unreadable") if number == 3 else translated(user)  # noqa: E731
    provider = Seen(answer, models=(WESTERN,))
    report = translate(provider, selection(products(20), "es", pack=1)).report
    assert report["translated"] == 60 and report["cost_usd"] is None and report["untold"] == 1
    assert untold_words(report).startswith(
        f"What 1 answer cost is not known; the others cost {dollars(report['told_usd'])}"
    )
    assert report["told_usd"] > 0.0


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({}, ""),
        ({"untold": 0, "told_usd": 0.1}, ""),
        (
            {"untold": 1, "told_usd": 0.0},
            "What 1 answer cost is not known: the provider did not say, or not credibly, how many tokens it",
        ),
        (
            {"untold": 9, "told_usd": 0.0021},
            "What 9 answers cost is not known; the others cost $0.0021: the provider did not",
        ),
    ],
    ids=["an older report", "none", "one", "nine"],
)
def test_what_answers_cost_that_nobody_told_is_said_in_words(report: dict[str, Any], said: str) -> None:
    assert untold_words(report).startswith(said) and bool(untold_words(report)) == bool(said)


def hung(number: int, hanging: int) -> float:
    return 1e6 if number < hanging else 0.5


def test_calls_that_were_given_up_are_counted_with_what_they_may_have_cost() -> None:
    provider = Seen(seconds=lambda call, user, number: hung(number, 1), models=(WESTERN,))
    happened = work_through(provider, [jackets(1)], limits=WorkLimits(hedging=False))
    tally = tally_of(happened)
    first = happened.of(Answered)[0]
    assert len(happened.outcomes) == 1
    assert first.status == "timeout" and first.given_up and first.tokens == (0, 0, 0)
    assert tally.given_up == 1
    assert tally.given_up_usd == first.possible_usd
    assert (first.possible_usd or 0.0) >= usd(0, provider.whole[0].max_completion_tokens)


def test_a_race_that_was_lost_is_given_up_as_well() -> None:
    provider = Seen(seconds=lambda call, user, number: hung(number, 1), models=(WESTERN,))
    tally = tally_of(work_through(provider, [[item] for item in jackets(3)]))
    assert tally.hedges == 1 and tally.given_up == 1
    assert tally.models[WESTERN].status_counts["superseded"] == 1


def test_what_the_person_cancels_is_given_up_as_well() -> None:
    async def stop(work: Work) -> None:
        await asyncio.sleep(0.2)
        work.stop(RunError("You stopped it."))

    provider = Seen(seconds=lambda call, user, number: 5.0, models=(WESTERN,))
    tally = tally_of(work_through(provider, [[item] for item in jackets(4)], meddle=stop))
    assert tally.given_up == len(provider.whole) > 0


def test_the_price_of_what_was_given_up_is_unknown_where_the_models_is() -> None:
    provider = Seen(seconds=lambda call, user, number: hung(number, 1), models=("someone/new",))
    tally = tally_of(work_through(provider, [jackets(1)]))
    assert tally.given_up == 1 and tally.given_up_usd is None


@pytest.mark.parametrize("error", [UnreachableError("reset"), ProviderError("down"), UnusableReplyError("unreadable")])
def test_a_call_that_failed_by_itself_was_not_given_up(error: RunError) -> None:
    provider = Seen(lambda call, user, number: error if number == 0 else translated(user), models=(WESTERN,))
    tally = tally_of(work_through(provider, [jackets(1)]))
    assert tally.given_up == 0 and tally.given_up_usd == 0.0


def test_what_was_given_up_counts_against_the_cap_for_good() -> None:
    packs = [[item] for item in jackets(20)]
    plain = work_through(Seen(models=(WESTERN,)), packs)
    dearest = max(event.cost_usd for event in plain.of(Answered))
    hanging = Seen(seconds=lambda call, user, number: 1e6, models=(WESTERN,))
    cap = 6 * dearest
    happened = work_through(hanging, packs, limits=WorkLimits(max_cost_usd=cap, hedging=False))
    assert happened.work.stopped is not None
    assert 0.0 < sum(event.possible_usd for event in happened.of(Answered)) <= cap


@pytest.mark.parametrize(
    ("report", "said"),
    [
        ({}, ""),
        ({"given_up": 0, "given_up_usd": 0.0}, ""),
        ({"given_up": 1, "given_up_usd": 0.0031}, "1 call was given up; it may have cost up to $0.0031 more."),
        ({"given_up": 12, "given_up_usd": 0.0031}, "12 calls were given up; they may have cost up to $0.0031 more."),
        ({"given_up": 2, "given_up_usd": None}, "2 calls were given up; they may have cost more, at a price that is"),
    ],
    ids=["an older report", "none", "one", "twelve", "no price"],
)
def test_what_was_given_up_is_said_in_words(report: dict[str, Any], said: str) -> None:
    assert given_up_words(report).startswith(said) and bool(given_up_words(report)) == bool(said)


def test_a_report_tells_what_was_given_up() -> None:
    report = translate(Seen(), selection(products(1), "es")).report
    assert report["given_up"] == 0 and report["given_up_usd"] == 0.0


ends = st.sampled_from(["right", "empty", "starved", "cut", "silent", "dear", "down", "reset", "unreadable", "hang"])


@settings(max_examples=60)
@given(st.lists(ends, min_size=1, max_size=60), st.floats(0.2, 40.0), st.integers(1, 8))
def test_a_cap_is_crossed_by_no_more_than_what_was_in_flight(plan: list[str], room: float, at_once: int) -> None:
    provider = Seen(models=(WESTERN,))
    billed: list[float] = []

    def answer(call: Call, user: dict[str, Any], number: int) -> Any:
        end = plan[number % len(plan)]
        ceiling = call.max_completion_tokens
        completion = {"right": 20, "empty": 20, "starved": ceiling, "cut": ceiling, "dear": 3 * ceiling}.get(end, 0)
        # What nobody tells is known by what was set aside for it, and no better.
        prompt = (
            300 if end in ("right", "empty", "starved", "cut", "dear") else (len(call.system) + len(call.user)) // 6
        )
        billed.append(usd(prompt, completion or ceiling) if end not in ("down", "reset") else 0.0)
        match end:
            case "right" | "dear" | "hang":
                return reply(translated(user), completion=completion or ceiling)
            case "empty":
                return reply("", completion=completion)
            case "starved":
                return reply("", "length", completion=completion)
            case "cut":
                return reply('{"', "length", completion=completion)
            case "silent":  # billed, and nobody says how much
                return reply(translated(user), prompt=None, completion=None)
            case "down":
                return ProviderError("down")
            case "reset":
                return UnreachableError("reset")
        return UnusableReplyError("unreadable")

    provider.answer = answer
    provider.seconds = lambda call, user, number: 1e6 if plan[number % len(plan)] == "hang" else 0.5
    cap = room * usd(300, 80)
    happened = work_through(
        provider,
        [[item] for item in jackets(12)],
        limits=WorkLimits(max_cost_usd=cap, max_in_flight=at_once),
        lanes=lanes_for(provider),
    )
    over = max(0.0, sum(billed) - cap)
    # A reservation may be too small where an answer takes more than was asked for; only those in flight do.
    assert over <= at_once * max(billed, default=0.0) + 1e-12
    assert (
        sum(event.cost_usd or 0.0 for event in happened.of(Answered))
        <= cap + at_once * max(billed, default=0.0) + 1e-12
    )


@given(st.lists(st.sampled_from(["right", "empty", "starved", "unreadable", "hang"]), min_size=1, max_size=40))
def test_a_cap_is_never_crossed_where_answers_keep_to_what_was_asked(plan: list[str]) -> None:
    billed: list[float] = []

    def answer(call: Call, user: dict[str, Any], number: int) -> Any:
        end, prompt = plan[number % len(plan)], (len(call.system) + len(call.user)) // 6
        completion = 10 if end in ("right", "empty") else call.max_completion_tokens
        billed.append(usd(prompt, completion))
        if end == "unreadable":
            return UnusableReplyError("unreadable")
        content = "" if end in ("empty", "starved") else translated(user)
        return reply(content, "length" if end == "starved" else "stop", prompt=prompt, completion=completion)

    provider = Seen(answer, models=(WESTERN,))
    provider.seconds = lambda call, user, number: 1e6 if plan[number % len(plan)] == "hang" else 0.5
    cap = 12 * usd(300, 80)
    work_through(provider, [[item] for item in jackets(12)], limits=WorkLimits(max_cost_usd=cap))
    assert sum(billed) <= cap


def test_a_refused_account_stops_the_run_at_the_first_word_of_it() -> None:
    provider = Seen(lambda call, user, number: RefusedError("The provider refuses this account.", code=ACCOUNT))
    happened = work_through(provider, [[item] for item in jackets(60)])
    assert len(provider.whole) <= 5 and "refuses this account" in str(happened.work.stopped)


def test_one_refusal_for_every_request_and_model_stops_the_run() -> None:
    provider = Seen(lambda call, user, number: RefusedError(f"No tea for {call.model} at {number} h.", code="tea"))
    happened = work_through(provider, [[item] for item in jackets(200)])
    assert "No tea" in str(happened.work.stopped)
    assert len(provider.whole) <= 12


def test_texts_that_are_refused_while_others_are_answered_stop_nothing() -> None:
    def answer(call: Call, user: dict[str, Any], number: int) -> Any:
        (text,) = user["segments"].values()
        return RefusedError("Not this text.", code="policy") if int(text.split()[4]) % 2 else translated(user)

    happened = work_through(Seen(answer), [[item] for item in jackets(40)])
    assert happened.work.stopped is None
    assert sum(bool(outcome.text) for outcome in happened.outcomes.values()) == 20


def test_a_few_poor_texts_are_no_sign_of_a_provider_that_refuses_all() -> None:
    refusals = Refusals()
    for number in (1, 2):
        for model in (WESTERN, SUCCESSOR, "third", "fourth"):
            refusals.take(RefusedError("no", code="x"), number, model, 1.0)
    assert not refusals.is_all(4)
    refusals.take(RefusedError("no", code="x"), 3, WESTERN, 1.0)
    assert refusals.is_all(4)
    refusals.answered()
    assert not refusals.is_all(4)


def test_the_providers_own_ceiling_is_kept_from_then_on_and_packs_are_cut_to_it() -> None:
    def answer(call: Call, user: dict[str, Any], number: int) -> Any:
        if call.max_completion_tokens > 100:
            return RefusedError("At most 100.", code="max_completion_tokens", most_tokens=100)
        return translated(user)

    provider = Seen(answer, models=(WESTERN,))
    happened = work_through(provider, [jackets(16)])
    assert len(happened.outcomes) == 16 and all(outcome.text for outcome in happened.outcomes.values())
    rooms = [call.max_completion_tokens for call in provider.whole]
    assert rooms[0] > 100 and all(room <= 100 for room in rooms[1:])
    assert max(provider.sizes[1:]) < 16


def test_a_provider_that_lowers_its_ceiling_without_end_is_left_in_the_end() -> None:
    def answer(call: Call, user: dict[str, Any], number: int) -> Any:
        most = call.max_completion_tokens - 1
        return RefusedError(f"At most {most}.", code="max_completion_tokens", most_tokens=most)

    provider = Seen(answer, models=(WESTERN,))
    happened = work_through(provider, [jackets(1)])
    assert len(happened.outcomes) == 1 and len(provider.whole) < 100
    assert json.dumps([outcome.reason for outcome in happened.outcomes.values()])
