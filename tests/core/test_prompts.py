"""Messages have the exact wire form, and replies are read forgivingly and judged strictly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.language.brand_voice import BrandVoice
from ketl.language.languages import LANGUAGES, find_language
from ketl.prompts.replies import Parsed, parse_reply
from ketl.prompts.tokens import answer_tokens, completion_tokens, prompt_tokens, source_tokens
from ketl.prompts.wording import Item, build_user, extra_fields, system_message
from ketl.provider.models import MODELS, model_facts
from tests.strategies import clean_any_text, solid_text

JAPANESE = find_language("ja")
ITEMS = [Item("title1", 'Trail Sock 12"', "title"), Item("spec2", "⟦1⟧ Merino\nwool", "spec")]


def test_the_user_message_is_one_json_object_with_language_tag_and_segments() -> None:
    assert json.loads(build_user(JAPANESE, ITEMS)) == {
        "target_language": "Japanese",
        "target_tag": "ja",
        "segments": {"title1": 'Trail Sock 12"', "spec2": "⟦1⟧ Merino\nwool"},
    }


def test_what_helps_travels_beside_the_segments() -> None:
    said = json.loads(
        build_user(
            JAPANESE,
            ITEMS,
            style="polite: です・ます",
            glossary={"Merino": "メリノ"},
            placeables={"spec2": ["79gsm", "<b>"]},
            faults={"title1": ("The number 12 is missing.",)},
        )
    )
    assert list(said["segments"]) == ["title1", "spec2"]
    assert said["style"] == "polite: です・ます" and said["glossary"] == {"Merino": "メリノ"}
    assert said["placeables"] == {"spec2": {"1": "79gsm", "2": "<b>"}}
    assert said["faults"] == {"title1": ["The number 12 is missing."]}


def test_the_system_message_names_every_part_it_relies_on_and_json() -> None:
    for word in ("JSON", "segments", "target_language", "glossary", "style", "faults", "never instructions"):
        assert word in system_message(BrandVoice())


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.id)
def test_strict_schemas_go_to_models_that_have_them_and_json_mode_to_the_rest(model) -> None:
    fields = extra_fields(model, ["title1", "spec2"])
    form = fields["response_format"]
    assert fields["temperature"] <= 0.3
    if model.json_schema:
        schema = form["json_schema"]
        assert schema["strict"] is True and schema["schema"]["required"] == ["title1", "spec2"]
        assert set(schema["schema"]["properties"]) == {"title1", "spec2"}
        assert schema["schema"]["additionalProperties"] is False
    else:
        assert form == {"type": "json_object"}


def test_reasoning_is_kept_small_in_each_models_own_words() -> None:
    assert extra_fields(model_facts("openai/gpt-oss-120b"), ["a"])["reasoning_effort"] == "low"
    assert extra_fields(model_facts("qwen/qwen3.8-27b"), ["a"])["reasoning_effort"] == "none"
    assert "reasoning_effort" not in extra_fields(model_facts("llama-3.3-70b-versatile"), ["a"])


GOOD = '{"a": "Chaqueta \\"Cumbre\\"", "b": "Forro\\ncálido"}'
TEXTS = {"a": 'Chaqueta "Cumbre"', "b": "Forro\ncálido"}


@pytest.mark.parametrize(
    "reply",
    [
        GOOD,
        f"\n {GOOD}\n",
        f"```json\n{GOOD}\n```",
        f"```\n{GOOD}\n```\nAnything else?",
        f"Here is the translation:\n{GOOD}",
        f"Sure! {GOOD} Let me know.",
        f'<think>The key {{"a"}} is a title, "b": "prose".</think>{GOOD}',
        f"<THINK>hmm {{</THINK>\n\n{GOOD}",
        f'{{"translations": {GOOD}}}',
        f'{{"language": "es", "result": {GOOD}}}',
        GOOD.replace("á", "\\u00e1"),
    ],
)
def test_soft_replies_cost_no_second_call(reply: str) -> None:
    parsed = parse_reply(reply, ["a", "b"])
    assert parsed.texts == TEXTS and not parsed.cut_off


@pytest.mark.parametrize(
    ("reply", "parsed"),
    [
        ('{"a": "Rojo"}', Parsed(texts={"a": "Rojo"})),
        ('{"a": "Rojo", "b": ""}', Parsed(texts={"a": "Rojo"})),
        ('{"a": "Rojo", "b": " \\n"}', Parsed(texts={"a": "Rojo"})),
        ('{"a": "Rojo", "b": null}', Parsed(texts={"a": "Rojo"})),
        ('{"a": "Rojo", "b": ["Azul"]}', Parsed(texts={"a": "Rojo"})),
        ('{"a": "Rojo", "b": {"text": "Azul", "value": "Verde"}}', Parsed(texts={"a": "Rojo"})),
        ('{"a": "Rojo", "b": true}', Parsed(texts={"a": "Rojo"})),
        ('{"a": 501, "b": 7.5}', Parsed(texts={"a": "501", "b": "7.5"})),
        ('{"a": "Rojo", "note": "formal"}', Parsed(texts={"a": "Rojo"}, extra=("note",))),
        ('{"A": "Rojo"}', Parsed(texts={}, extra=("A",))),
        ("{}", Parsed(texts={})),
        ('["Rojo", "Azul"]', Parsed(texts={})),
        ('"Rojo"', Parsed(texts={})),
        ("Rojo, azul", Parsed(texts={})),
        ("", Parsed(texts={})),
        ("<think>still thinking about a and", Parsed(texts={})),
        ("I'm sorry, but I cannot help with that.", Parsed(texts={})),
    ],
)
def test_what_is_no_text_for_a_key_asked_is_missing(reply: str, parsed: Parsed) -> None:
    assert parse_reply(reply, ["a", "b"]) == parsed


def test_a_cut_off_reply_keeps_its_whole_pairs_only() -> None:
    assert parse_reply('{"a": "Rojo", "b": "Az', ["a", "b"]) == Parsed(texts={"a": "Rojo"}, cut_off=True)
    assert parse_reply('{"a": "Rojo", "b": "Azul"}', ["a", "b"], "length").cut_off
    assert parse_reply('```json\n{"a": "Rojo", "b"', ["a", "b"], "length").texts == {"a": "Rojo"}


wire_texts = st.dictionaries(st.from_regex(r"(title|prose|option)[1-9]", fullmatch=True), solid_text, min_size=1)


@given(wire_texts)
def test_any_texts_survive_the_way_there_and_back(texts: dict[str, str]) -> None:
    items = [Item(key, text, "prose") for key, text in texts.items()]
    sent = json.loads(build_user(JAPANESE, items))["segments"]
    assert sent == texts
    for ascii_only in (True, False):
        parsed = parse_reply(json.dumps(sent, ensure_ascii=ascii_only), list(texts))
        assert parsed == Parsed(texts=texts)


@given(wire_texts, st.integers(1, 400), st.booleans())
def test_a_text_saved_from_a_cut_reply_is_whole(texts: dict[str, str], at: int, ascii_only: bool) -> None:
    whole = json.dumps(texts, ensure_ascii=ascii_only)
    parsed = parse_reply(whole[: max(1, len(whole) - at)], list(texts))
    assert all(texts[key] == text for key, text in parsed.texts.items())


@given(clean_any_text, st.lists(st.sampled_from(["a", "b"]), unique=True))
def test_any_reply_at_all_is_read_without_failing(reply: str, keys: list[str]) -> None:
    parsed = parse_reply(reply, keys)
    assert set(parsed.texts) <= set(keys) and all(text.strip() for text in parsed.texts.values())


def test_token_estimates_grow_with_the_text_and_know_the_scripts() -> None:
    sentence = "A jacket for three days of rain."
    assert source_tokens(sentence) == pytest.approx(8, abs=2)
    assert source_tokens("雨の三日間のためのジャケット") > source_tokens("rain jacket three")
    for language in LANGUAGES:
        assert 5 < completion_tokens(sentence, language) < completion_tokens(sentence * 2, language) < 80
    assert prompt_tokens(8, 1) + 20 < prompt_tokens(40, 2)
    assert answer_tokens(0) < 10


def test_estimated_tokens_cover_any_text_even_one_that_cannot_be_encoded() -> None:
    assert source_tokens("") == 0
    assert source_tokens("\ud800" * 10) > 0


@pytest.mark.parametrize(
    "content",
    [
        '"{\\"title1\\": \\"Chaqueta\\"}"',
        '{"title1": {"translation": "Chaqueta"}}',
        '[{"key": "title1", "translation": "Chaqueta"}]',
        '[{"title1": "Chaqueta"}]',
        "{'title1': 'Chaqueta'}",
    ],
)
def test_a_reply_in_an_odd_shape_that_can_mean_only_one_thing_is_read(content: str) -> None:
    assert parse_reply(content, ["title1"]).texts == {"title1": "Chaqueta"}
