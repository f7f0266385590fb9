"""Every language gets a living model with the reason for it, or the reason why there is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.errors import SelectionError, SettingsError
from ketl.language.languages import GROUPS, LANGUAGES, Language, find_language, find_languages
from ketl.planning.routing import choose_routes, living_by_table, regroup
from ketl.provider.models import CHAINS, MODELS, NOT_FOR_TEXT
from ketl.provider.protocol import ListedModel

EVERY_MODEL = [ListedModel(id=name) for name in MODELS]
TODAY = [ListedModel(id=name) for name in ("openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3.8-27b")]
known_or_not = st.sampled_from([*MODELS, "gemma2-9b-it", "house/own-model", "whisper-large-v3", "llama-guard-4-12b"])


def listed(*names: str) -> list[ListedModel]:
    return [ListedModel(id=name) for name in names]


@given(st.sets(known_or_not), st.lists(st.sampled_from(LANGUAGES), min_size=1, max_size=6))
def test_every_group_gets_a_living_chain_or_names_why_not(alive: set[str], languages: list[Language]) -> None:
    texts = {m for m in alive if not any(word in m for word in NOT_FOR_TEXT)}
    try:
        routes = choose_routes(languages, listed(*alive))
    except SettingsError as error:
        assert not texts
        assert any(group in str(error) for group in {language.group for language in languages})
        return
    assert set(routes) == {language.group for language in languages}
    for group, route in routes.items():
        assert route.group == group and route.chain and set(route.chain) <= texts
        assert len(set(route.chain)) == len(route.chain)
        assert route.reason.startswith(f"{group} → {route.chain[0]}") and route.reason.endswith(".")
        preferred = [m for m in CHAINS[group] if m in alive]
        assert list(route.chain) == preferred or not preferred


def test_the_patterns_three_models_serve_where_they_live() -> None:
    routes = choose_routes(LANGUAGES, EVERY_MODEL)
    assert set(routes) == set(GROUPS)
    heads = {group: routes[group].chain[0] for group in ("western", "asian", "arabic")}
    assert heads == {"western": "llama-3.3-70b-versatile", "asian": "qwen-2.5-32b", "arabic": "mistral-saba-24b"}
    assert routes["asian"].reason == "asian → qwen-2.5-32b, the first choice for this group."
    assert not any(route.substitutions for route in routes.values())


def test_a_retired_model_is_passed_over_with_its_date() -> None:
    route = choose_routes([find_language("ja")], TODAY)["asian"]
    assert route.chain[0] == "qwen/qwen3.8-27b"
    assert route.reason == "asian → qwen/qwen3.8-27b because qwen-2.5-32b was retired on 2025-04-14."
    assert route.substitutions == (("qwen-2.5-32b", "qwen/qwen3.8-27b", "was retired on 2025-04-14"),)


def test_a_model_that_lives_but_not_for_this_key_is_said_to_be_withheld() -> None:
    route = choose_routes([find_language("ja")], listed("openai/gpt-oss-20b"))["asian"]
    reasons = {wanted: why for wanted, _, why in route.substitutions}
    assert reasons["openai/gpt-oss-120b"] == "is not offered to this key"
    assert {taken for _, taken, _ in route.substitutions} == {"openai/gpt-oss-20b"}


def test_an_inactive_model_does_not_serve() -> None:
    sleeping = [ListedModel(id="qwen-2.5-32b", active=False), *TODAY]
    assert "qwen-2.5-32b" not in choose_routes([find_language("ja")], sleeping)["asian"].chain


def test_a_gateway_with_names_of_its_own_is_used_as_it_is() -> None:
    route = choose_routes([find_language("es")], listed("whisper-large-v3", "house/b", "house/a"))["western"]
    assert route.chain == ("house/a", "house/b") and "lists none of llama-3.3-70b-versatile" in route.reason


@pytest.mark.parametrize("who", ["asian", " Asian ", "Japanese", "日本語", "zh-Hans"])
def test_an_override_goes_first_and_the_chain_stays_behind_it(who: str) -> None:
    wanted = {who: "openai/gpt-oss-20b"}
    (language,) = regroup([find_language(who) if "asian" not in who.lower() else find_language("ja")], wanted)
    route = choose_routes([language], EVERY_MODEL, wanted)[language.group]
    assert route.chain == ("openai/gpt-oss-20b", "qwen-2.5-32b", "qwen/qwen3.8-27b", "openai/gpt-oss-120b")
    assert "you chose it" in route.reason


def test_an_override_may_name_a_model_the_table_does_not_know() -> None:
    languages = regroup([find_language("es")], {"es": "house/own"})
    route = choose_routes(languages, [*EVERY_MODEL, *listed("house/own")], {"es": "house/own"})["western:es"]
    assert route.chain[0] == "house/own" and len(route.chain) == 5


def test_an_override_for_one_language_leaves_its_group_alone() -> None:
    wanted = {"Japanese": "openai/gpt-oss-20b", "ko": "openai/gpt-oss-120b"}
    routes = choose_routes(regroup(find_languages(["ja", "ko", "th"]), wanted), EVERY_MODEL, wanted)
    assert {group: route.chain[0] for group, route in routes.items()} == {
        "asian:ja": "openai/gpt-oss-20b", "asian:ko": "openai/gpt-oss-120b", "asian": "qwen-2.5-32b",
    }  # fmt: skip


def test_an_override_for_others_changes_nothing_here() -> None:
    languages = [find_language("es")]
    assert choose_routes(languages, EVERY_MODEL, {"asian": "qwen/qwen3.8-27b"}) == choose_routes(languages, EVERY_MODEL)


def test_a_wrong_override_names_the_near_match() -> None:
    with pytest.raises(SettingsError, match=r"“qwen/qwen3.8-27” chosen for asian.*Did you mean qwen/qwen3.8-27b"):
        choose_routes([find_language("ja")], TODAY, {"asian": "qwen/qwen3.8-27"})
    with pytest.raises(SelectionError, match="“asien” is not known"):
        choose_routes([find_language("ja")], TODAY, {"asien": "qwen/qwen3.8-27b"})


def test_what_lives_unasked_depends_on_the_day() -> None:
    def alive(day: str) -> set[str]:
        return {model.id for model in living_by_table(day)}

    assert alive("2025-01-01") == set(MODELS)
    assert "qwen-2.5-32b" in alive("2025-04-13") and "qwen-2.5-32b" not in alive("2025-04-14")
    assert alive("2026-11-01") == {"openai/gpt-oss-120b", "openai/gpt-oss-20b", "qwen/qwen3.8-27b"}


def test_every_chain_holds_known_models_and_ends_with_living_ones() -> None:
    for group, chain in CHAINS.items():
        assert set(chain) <= set(MODELS) and len(set(chain)) == len(chain), group
        assert sum(MODELS[name].retired_on is None for name in chain) >= 2, group
