"""Plans choose what is soonest under the limits, explain it, and refuse goals that cannot be met."""

from __future__ import annotations

import re
import time
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketl.catalog.products import FIELD_NAMES, Product
from ketl.catalog.units import cut_products
from ketl.errors import GoalError, SettingsError
from ketl.formats.catalog_files import load_products
from ketl.language.languages import LANGUAGES, find_languages
from ketl.planning.census import Census, take_census
from ketl.planning.packing import MAX_PACK_SEGMENTS
from ketl.planning.plan import Goals, RunPlan, make_plan
from ketl.planning.routing import choose_routes
from ketl.prompts.tokens import source_tokens
from ketl.provider.lane import Lane
from ketl.provider.limits import Limits
from ketl.provider.models import MODELS, model_facts
from ketl.provider.protocol import ListedModel
from ketl.provider.tiers import load_tier
from tests.strategies import products

LISTED = [ListedModel(id=name) for name in MODELS]
SHIPPED = take_census(cut_products(load_products(), FIELD_NAMES))


def lanes(plan: str | Limits) -> dict[str, Lane]:
    limits = plan if isinstance(plan, Limits) else load_tier(plan).limits_of("any")
    return {name: Lane(model_facts(name), limits, auto=False) for name in MODELS}


def plan(census: Census, words: list[str], limits: str | Limits = "developer", **more) -> RunPlan:
    languages = find_languages(words)
    return make_plan(census, languages, choose_routes(languages, LISTED), lanes(limits), 0.0, **more)


def census_of(distinct: int, tokens: float = 12.0) -> Census:
    return Census(
        products=distinct // 4,
        texts=2 * distinct,
        all_characters=int(8 * tokens * distinct),
        characters=int(4 * tokens * distinct),
        tokens=array("f", [tokens]) * distinct,
    )


@settings(max_examples=60)
@given(st.lists(products(), max_size=5), st.sampled_from([FIELD_NAMES, ("name",), ("colors", "details")]))
def test_a_census_counts_every_text_and_the_distinct_ones(several: list[Product], fields: tuple[str, ...]) -> None:
    census = take_census(cut_products(several, fields))
    texts = [
        (field, text)
        for product in several
        for field in fields
        if field in product.texts
        for text in ([product.texts[field]] if isinstance(product.texts[field], str) else product.texts[field])
    ]
    assert census.products == len(several)
    assert census.texts == len(texts) and census.all_characters == sum(len(text) for _, text in texts)
    assert census.distinct == len(set(texts)) and census.characters == sum(len(text) for _, text in set(texts))
    assert sum(census.tokens) == pytest.approx(sum(source_tokens(text) for _, text in set(texts)), rel=1e-3)


def test_units_segments_and_requests_are_what_the_selection_makes() -> None:
    made = plan(SHIPPED, ["es", "ja", "ar"], pack=1)
    assert made.products == 24 and made.units == 3 * SHIPPED.texts and made.segments == 3 * SHIPPED.distinct
    assert made.requests == made.segments < made.units
    assert set(made.pack_sizes) == {"western", "asian", "arabic"} and set(made.pack_sizes.values()) == {1}
    assert made.prompt_tokens > made.requests * 100 and made.completion_tokens > made.requests * 5


def test_without_limits_nothing_is_gained_by_waiting_for_a_long_answer() -> None:
    free_of_limits = plan(SHIPPED, ["es", "ja", "ar"], "unlimited")
    packed = plan(SHIPPED, ["es", "ja", "ar"], "unlimited", pack=48)
    assert free_of_limits.predicted_s < packed.predicted_s
    assert free_of_limits.limit_note == "No limit binds; the models' own speed decides."


def test_under_thirty_requests_a_minute_texts_ride_together() -> None:
    packed = plan(SHIPPED, ["es", "ja", "ar"], "free")
    single = plan(SHIPPED, ["es", "ja", "ar"], "free", pack=1)
    assert min(packed.pack_sizes.values()) >= 4 and packed.requests < single.requests / 3
    assert packed.predicted_s < single.predicted_s / 2
    assert packed.cost_usd[0] < single.cost_usd[0]
    assert any("texts per request" in note for note in packed.notes)


@pytest.mark.parametrize("limits", ["free", "developer", "unlimited", Limits(rpm=6), Limits(tpm=20_000)])
@pytest.mark.parametrize("words", [["es"], ["es", "ja", "ar"], ["all"]], ids=len)
def test_the_choice_is_never_slower_than_any_fixed_pack(limits: str | Limits, words: list[str]) -> None:
    chosen = plan(SHIPPED, words, limits)
    assert chosen.bound_s <= chosen.predicted_s
    for pack in (1, 4, 16, 48):
        fixed = plan(SHIPPED, words, limits, pack=pack)
        assert fixed.bound_s <= fixed.predicted_s
        assert chosen.predicted_s <= fixed.predicted_s * 1.06 + 0.3


@settings(max_examples=40)
@given(st.integers(0, 3000), st.floats(1, 300), st.sets(st.sampled_from(LANGUAGES), min_size=1), st.data())
def test_every_plan_is_sound(distinct: int, tokens: float, languages, data) -> None:
    limits = data.draw(st.sampled_from(["free", "developer", "unlimited"]))
    pack = data.draw(st.none() | st.integers(1, MAX_PACK_SEGMENTS))
    census = census_of(distinct, tokens)
    made = plan(census, [language.tag for language in languages], limits, pack=pack)
    assert 0.0 <= made.bound_s <= made.predicted_s + 1e-9 < float("inf")
    assert made.segments == distinct * len(languages) and made.units == 2 * made.segments
    assert len(languages) * (distinct > 0) <= made.requests <= max(made.segments, 0)
    assert set(made.pack_sizes) == set(made.serving) == set(made.routes) == {x.group for x in languages}
    assert made.sequential_s >= 0.0 and made.cost_usd is not None and made.cost_usd[0] <= made.cost_usd[1]
    assert all(note.endswith(".") for note in (*made.notes, made.limit_note))


def test_what_the_memory_holds_is_neither_sent_nor_paid_for() -> None:
    whole = plan(SHIPPED, ["es"], pack=4)
    half = plan(SHIPPED, ["es"], pack=4, from_memory=SHIPPED.distinct // 2)
    nothing = plan(SHIPPED, ["es"], pack=4, from_memory=SHIPPED.distinct)
    assert half.requests == pytest.approx(whole.requests / 2, abs=2)
    assert half.cost_usd[1] == pytest.approx(whole.cost_usd[1] / 2, rel=0.1)
    assert nothing.requests == 0 and nothing.predicted_s == 0.0 and nothing.cost_usd == (0.0, 0.0)


def test_the_limit_that_binds_is_said_in_words() -> None:
    slow = plan(SHIPPED, ["es"], Limits(rpm=6))
    assert slow.limit_note in {f"The requests a minute of {name} bind (6)." for name in slow.routes["western"].chain}
    assert "tokens a minute of " in plan(SHIPPED, ["es"], Limits(tpm=9000), pack=1).limit_note
    day = plan(census_of(4400), ["es"], Limits(rpd=1000), pack=1)
    assert re.fullmatch(r"The day's 1,000 requests of \S+ cannot cover this: 1,\d{3} needed\.", day.limit_note)
    tokens = plan(census_of(9000), ["es"], Limits(tpd=200_000), pack=1)
    assert re.match(r"The day's 200,000 tokens of \S+ cannot cover this: about \d", tokens.limit_note)


def test_several_models_serve_side_by_side_only_where_that_buys_time() -> None:
    assert set(plan(SHIPPED, ["es"], "unlimited").serving.values()) == {1}
    squeezed = plan(census_of(3000), ["es"], "free")
    assert squeezed.serving["western"] > 1
    assert any("side by side" in note for note in squeezed.notes)


def test_every_route_is_explained() -> None:
    languages = find_languages(["es", "ja"])
    today = [ListedModel(id=name) for name in ("openai/gpt-oss-120b", "qwen/qwen3.8-27b")]
    made = make_plan(SHIPPED, languages, choose_routes(languages, today), lanes("developer"), 0.0)
    assert any("asian → qwen/qwen3.8-27b because qwen-2.5-32b was retired on 2025-04-14." in n for n in made.notes)


def test_a_price_that_is_unknown_makes_the_cost_unknown() -> None:
    languages = find_languages(["es"])
    known = {**lanes("developer"), "house/own": Lane(model_facts("house/own"), Limits(), auto=False)}
    routes = choose_routes(languages, [ListedModel(id="house/own")])
    assert make_plan(SHIPPED, languages, routes, known, 0.0, pack=1).cost_usd is None


def test_a_deadline_in_reach_is_met_with_the_cheaper_mix() -> None:
    fastest = plan(SHIPPED, ["es", "ja"], "unlimited")
    patient = plan(SHIPPED, ["es", "ja"], "unlimited", goals=Goals(deadline_s=60))
    assert patient.predicted_s <= 60
    assert patient.cost_usd[1] <= fastest.cost_usd[1]


def test_a_goal_out_of_reach_is_refused_with_what_could_be_reached() -> None:
    with pytest.raises(GoalError, match=r"cannot finish in 5.0 s; the fastest plan takes about \d+ (h|min)\b"):
        plan(census_of(3000), ["all"], "free", goals=Goals(deadline_s=5))
    with pytest.raises(GoalError, match=r"may cost more than \$0.010; the cheapest plan costs up to \$\d"):
        plan(census_of(3000), ["all"], goals=Goals(max_cost_usd=0.01))
    with pytest.raises(GoalError, match=r"Nothing was sent: .*cannot finish in 5.0 s; .* and it may cost more than"):
        plan(census_of(3000), ["all"], "free", goals=Goals(deadline_s=5, max_cost_usd=0.01))


@settings(max_examples=40)
@given(st.integers(1, 2000), st.floats(1, 4000), st.floats(0.0001, 20))
def test_a_goal_is_met_or_refused(distinct: int, deadline_s: float, cost: float) -> None:
    goals = Goals(deadline_s=deadline_s, max_cost_usd=cost)
    try:
        made = plan(census_of(distinct), ["es", "ja", "ar"], "free", goals=goals)
    except GoalError as error:
        assert str(error).startswith("Nothing was sent: ")
    else:
        assert made.predicted_s <= deadline_s and made.cost_usd[1] <= cost


@pytest.mark.parametrize("pack", [0, -1, MAX_PACK_SEGMENTS + 1])
def test_a_pack_size_that_makes_no_sense_is_refused(pack: int) -> None:
    with pytest.raises(SettingsError, match="A pack holds 1 to 48 texts, not"):
        plan(SHIPPED, ["es"], pack=pack)


def test_a_model_that_is_gone_is_not_planned_with() -> None:
    languages = find_languages(["es"])
    known = lanes("developer")
    known["llama-3.3-70b-versatile"].gone = "retired"
    made = make_plan(SHIPPED, languages, choose_routes(languages, LISTED), known, 0.0)
    assert made.sequential_s == pytest.approx(
        made.requests * known["openai/gpt-oss-120b"].times.predict(made.completion_tokens / made.requests), rel=0.05
    )


def test_a_catalogue_of_half_a_million_texts_is_planned_while_one_waits() -> None:
    census = census_of(500_000)
    begun = time.process_time()
    made = plan(census, ["all"], "developer")
    # About a second when this was written; a plan that looked at every unit would take minutes.
    assert time.process_time() - begun < 15.0
    assert made.segments == 500_000 * len(LANGUAGES)
