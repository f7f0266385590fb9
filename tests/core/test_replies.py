"""Replies as hostile or broken models write them: read in linear time, near forms understood, whole pairs kept."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl._words import hide_key
from ketl.prompts.replies import MOST_CHARS, parse_reply

LINES = "Warm and dry.\nHood fits.\tPacks away."


@pytest.mark.parametrize(
    "reply",
    [
        f'{{"a": "{LINES}"}}',
        json.dumps([{"key": "a", "translation": LINES}]),
        json.dumps({"translations": [{"key": "a", "translation": LINES}]}),
        json.dumps({"translations": {"a": LINES}}),
        json.dumps({"a": {"translation": LINES}}),
        "Here you are:\n```json\n" + json.dumps([{"key": "a", "translation": LINES}]) + "\n```",
        f"{{'a': '{LINES}'}}",
        f"{{“a”: “{LINES}”}}",
        f'{{"a": "{LINES}",}}',
        f'{{"rows": [{{"key": "a", "translation": "{LINES}"}},]}}',
        f'{{"a": {{"translation": "{LINES}",}},}}',
    ],
)
def test_near_forms_are_read(reply: str) -> None:
    parsed = parse_reply(reply, ["a"])
    assert parsed.texts == {"a": LINES} and not parsed.cut_off


HOSTILE = {
    "escaped quotes without end": '{"a": "' + '\\"' * 50,
    "strings of an escaped quote": '{"a": ' + '"\\"' * 33,
    "quotes": "{" + "'" * 100,
    "both quotes": "{" + "\"'" * 50,
    "lists": '{"a":' + "[1, " * 25,
    "a flat list": "{" + "[1]," * 25,
    "objects": '{"a":' * 20,
    "spaces": '{"a"' + " " * 100,
    "pairs": "{" + '"a": "b", ' * 10,
    "thinking": "<think>" * 14 + "{",
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_twice_the_reply_takes_no_more_than_some_twice_the_time(kind: str) -> None:
    def cpu_s(times: int) -> float:
        took = []
        for _ in range(3):
            begun = time.process_time()
            parse_reply(HOSTILE[kind] * times, ["a"])
            took.append(time.process_time() - begun)
        return min(took)

    # Sixteen times the length: linear is 16, quadratic 256.
    assert cpu_s(3_200) < 80 * max(cpu_s(200), 0.0005)


@pytest.mark.parametrize("mark", ['\\"', "\\'", '"\\"', "'\\"])
def test_a_string_without_an_end_is_looked_for_once(mark: str) -> None:
    def cpu_s(times: int) -> float:
        begun = time.process_time()
        parse_reply('{"a": "Rojo", "b": "' + mark * times, ["a", "b"])
        return time.process_time() - begun

    # Sixteen times the length, the shortest of some: linear is 16, quadratic 256.
    assert min(cpu_s(32_000) for _ in range(3)) < 80 * max(min(cpu_s(2_000) for _ in range(3)), 0.0005)


def test_of_an_endless_reply_the_beginning_is_read() -> None:
    assert parse_reply('{"a": "Rojo", "b": "' + "x" * 3 * MOST_CHARS, ["a", "b"]).texts == {"a": "Rojo"}


@given(
    st.dictionaries(st.sampled_from("abcd"), st.text(min_size=1).filter(str.strip), min_size=1),
    st.text(max_size=20),
    st.integers(0, 400),
    st.text(alphabet="\"\\{}[]:,'“”\n\x00", max_size=30),
)
def test_any_damage_never_raises(texts: dict[str, str], before: str, at: int, damage: str) -> None:
    whole = json.dumps(texts)
    assert set(parse_reply(before + whole[:at] + damage + whole[at:], list("abcd")).texts) <= set("abcd")


@given(st.text(), st.text(alphabet="\"\\{}[]:,'“” a"))
def test_any_text_is_read_without_an_error(text: str, marks: str) -> None:
    assert set(parse_reply(text, ["a"]).texts) <= {"a"} >= set(parse_reply("{" + marks, ["a"]).texts)


@given(st.dictionaries(st.sampled_from("abcd"), st.text("xy é\"\\\n'", min_size=1).filter(str.strip), min_size=2))
def test_whole_pairs_before_the_end_are_kept(texts: dict[str, str]) -> None:
    whole = json.dumps(texts)
    assert parse_reply(whole[:-2], list(texts)).texts == dict(list(texts.items())[:-1])


def test_a_key_that_is_echoed_is_taken_out() -> None:
    hide_key("weird-key-of-a-gateway")
    reply = '{"a": "Rojo \\u0077eird-key-of-a-gateway"}'
    assert parse_reply(reply, ["a"]).texts == {"a": "Rojo …"}
