"""What the provider sends back is read: counts, waits, limits and texts, whatever state it is in."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.errors import (
    LimitReachedError,
    UnusableReplyError,
)
from ketl.provider.groq_answers import read_limits, read_reply
from ketl.provider.groq_errors import parse_duration
from ketl.provider.protocol import Reply
from ketl.simulator.limits import duration
from tests.client.wire import CALL, Answer, complete, completion, refusal


@pytest.mark.parametrize(
    "body",
    [
        b"", b"upstream timed out", b"<html></html>", b"[]", b"null", b"42", b"{}", b'{"choices": []}',
        b'{"choices": [{}]}', b'{"choices": [{"message": null}]}', b'{"choices": [{"message": {"role": "assistant"}}]}',
        b'{"error": {"message": "x"}}', b'{"choices": {"0": 1}}', b'{"choices": [[1]]}', b"\xff\xfe",
    ],
    ids=str,
)  # fmt: skip
def test_a_200_that_tells_nothing_is_unusable(body: object) -> None:
    error = complete(Answer(200, body))
    assert type(error) is UnusableReplyError and str(error).endswith(".") and error.model == CALL.model


@pytest.mark.parametrize(
    "body",
    [
        completion(None), completion(""), completion(" \n"), completion(["a"]), completion(5), completion(choices=[]),
        completion(choices=None), completion(choices={"0": 1}), completion(choices=[[1]]), completion(choices=[{}]),
    ],
    ids=lambda body: str(body["choices"]),
)  # fmt: skip
def test_a_billed_answer_without_a_text_tells_what_it_cost(body: object) -> None:
    reply = complete(Answer(200, body))
    assert isinstance(reply, Reply)
    assert (reply.content, reply.status, reply.prompt_tokens, reply.completion_tokens) == ("", 200, 120, 34)


def test_an_answer_that_was_eaten_by_hidden_reasoning_says_so() -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 77, "completion_tokens_details": {"reasoning_tokens": 77}}
    choice = {"message": {"content": ""}, "finish_reason": "length"}
    reply = complete(Answer(200, {"choices": [choice], "usage": usage}))
    assert isinstance(reply, Reply) and reply.finish_reason == "length" and reply.reasoning_tokens == 77


@pytest.mark.parametrize(
    ("told", "finish_reason"),
    [
        ({"failed_generation": "max completion tokens reached before generating a valid document"}, "length"),
        ({"failed_generation": '{"a": "x", "b'}, "stop"),
        ({"failed_generation": ""}, "length"),
        ({}, "length"),
        ({"failed_generation": "{", "message": "Failed: max completion tokens reached before"}, "length"),
        ({"failed_generation": "As an AI", "usage": {"prompt_tokens": 5, "completion_tokens": 6}}, "stop"),
    ],
    ids=str,
)
def test_what_the_provider_could_not_read_is_kept_with_the_reason(told: dict[str, Any], finish_reason: str) -> None:
    reply = complete(Answer(400, {"error": {"code": "json_validate_failed", "message": "Failed", **told}}))
    assert isinstance(reply, Reply)
    assert (reply.status, reply.content, reply.finish_reason) == (400, told.get("failed_generation", ""), finish_reason)
    assert reply.prompt_tokens == told.get("usage", {}).get("prompt_tokens")


@pytest.mark.parametrize("figure", [-5, 1e300, True, "many", "-7", None, [7], float("inf"), float("nan")])
def test_a_count_of_tokens_that_cannot_be_one_says_nothing(figure: object) -> None:
    body = json.dumps(completion("{}", usage={"prompt_tokens": figure, "completion_tokens": 3})).encode()
    read = read_reply(body, [], "m")  # NaN and Infinity, too, which are no JSON
    assert (read.content, read.prompt_tokens, read.completion_tokens) == ("{}", None, 3)


@pytest.mark.parametrize("figure", ["7", "7.0", " 7", 7.0])
def test_a_count_in_digits_is_one(figure: object) -> None:
    body = json.dumps(completion("{}", usage={"prompt_tokens": figure, "completion_tokens": 3})).encode()
    assert read_reply(body, [], "m").prompt_tokens == 7


@pytest.mark.parametrize("mark", ["\ufeff", " \n"])
@pytest.mark.parametrize(
    "content", ["{}", [{"type": "text", "text": "{"}, {"type": "text", "text": "}"}, {"type": "x"}]]
)
def test_near_forms_of_a_good_body_are_read(mark: str, content: object) -> None:
    body = completion("{}")
    body["choices"][0]["message"]["content"] = content
    assert read_reply((mark + json.dumps(body)).encode(), [], "m").content == "{}"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("around", [("", ""), ("", "\0\0"), ("", "\n<!-- gateway -->"), (")]}',\n", ""), ("", "{}")])
def test_a_good_body_is_read_in_any_encoding_and_whatever_stands_around_it(
    encoding: str, around: tuple[str, str]
) -> None:
    before, after = around
    if before and encoding != "utf-8-sig":
        before = ""
    text = before + json.dumps(completion('{"a": "Größe"}'), ensure_ascii=False) + after
    reply = read_reply(text.encode(encoding), [], "m")
    assert (reply.content, reply.prompt_tokens) == ('{"a": "Größe"}', 120)


def events(*pieces: str, **last: object) -> bytes:
    chunks: list[dict[str, Any]] = [{"choices": [{"delta": {"content": piece}}]} for piece in pieces]
    chunks.append({"choices": [{"delta": {}, "finish_reason": "stop"}], **last})
    lines = [": keep-alive", *(f"data: {json.dumps(chunk)}" for chunk in chunks), "data: [DONE]", ""]
    return "\n\n".join(lines).encode()


def completion_of(usage: dict[str, Any]) -> dict[str, Any]:
    return completion("{}", usage=usage)


USAGE = {"prompt_tokens": 5, "completion_tokens": 6}


@pytest.mark.parametrize("last", [{"usage": USAGE}, {"x_groq": {"usage": USAGE}}], ids=["usage", "x_groq"])
def test_the_events_of_a_stream_that_nobody_asked_for_are_one_answer(last: dict[str, Any]) -> None:
    reply = read_reply(events('{"a"', ': "Rojo"', "}", **last), [], "m")
    assert (reply.content, reply.finish_reason) == ('{"a": "Rojo"}', "stop")
    assert (reply.prompt_tokens, reply.completion_tokens) == (5, 6)


def test_a_stream_is_cut_where_its_lines_end_and_nowhere_else() -> None:
    for mark in ("\u2028", "\u2029", "\x85", "\x0b", "\x0c"):
        body = events("r@o").replace(b"@", mark.encode())
        assert read_reply(body, [], "m").content == f"r{mark}o"


def test_a_stream_with_a_piece_that_cannot_be_read_is_no_answer() -> None:
    whole = events('{"a": "Ro', 'jo"', "}", usage=USAGE)
    with pytest.raises(UnusableReplyError):
        read_reply(whole.replace(b'{"content": "jo', b'{"content" "jo'), [], "m")


@pytest.mark.parametrize(
    ("usage", "completion", "cached"),
    [
        ({"total_tokens": 50}, 43, 0),  # what was thought stands in the total alone
        ({"total_tokens": 10}, 3, 0),
        ({"total_tokens": "many"}, 3, 0),
        ({"prompt_tokens_details": {"cached_tokens": 5}}, 3, 5),
        ({"prompt_tokens_details": {"cached_tokens": 900}}, 3, 7),
    ],
)
def test_a_usage_is_read_so_that_it_adds_up(usage: dict[str, Any], completion: int, cached: int) -> None:
    body = json.dumps(completion_of({"prompt_tokens": 7, "completion_tokens": 3, **usage})).encode()
    reply = read_reply(body, [], "m")
    assert (reply.prompt_tokens, reply.completion_tokens, reply.cached_tokens) == (7, completion, cached)


def test_a_stream_that_broke_off_gives_what_came_of_it() -> None:
    whole = events('{"a": "Rojo", ', '"b')
    assert read_reply(whole[: whole.index(b"finish_reason")], [], "m").content == '{"a": "Rojo", "b'


@pytest.mark.parametrize("body", [b"data:", b"data: 7\n\ndata: [DONE]", b": \n\n", b"event: x\ndata: {}"])
def test_a_stream_without_an_answer_is_unusable(body: bytes) -> None:
    with pytest.raises(UnusableReplyError):
        read_reply(body, [], "m")


@pytest.mark.parametrize("body", [b"{", b"[" * 100_000, b"\xff\xfe", b"NaN", b'{"choices": NaN', b"\xef\xbb\xbf"])
def test_what_is_no_answer_in_any_form_is_a_sentence(body: bytes) -> None:
    with pytest.raises(UnusableReplyError, match="cut off or unreadable"):
        read_reply(body, [], "m")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("585ms", 0.585), ("7", 7.0), ("7.66s", 7.66), ("1m26.4s", 86.4), ("9m38.016s", 578.016), ("1h2m3s", 3723.0),
     ("24h0m0s", 86_400.0), ("1d", 86_400.0), ("120µs", 0.00012), ("2m", 120.0), ("soon", None), ("", None)],
)  # fmt: skip
def test_durations_are_read_with_all_their_parts(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == (None if seconds is None else pytest.approx(seconds))


@given(st.integers(1, 10**9))
def test_any_duration_the_provider_writes_is_read_exactly(milliseconds: int) -> None:
    assert parse_duration(duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000, abs=1.1e-3)


@given(st.binary(max_size=80) | st.sampled_from([b"[" * 3000, b'{"choices":[{"message":{"content":' + b"[" * 2000]))
def test_any_body_at_all_is_read_or_unusable(body: bytes) -> None:
    try:
        reply = read_reply(body, [], "m")
        assert reply.content == "" or reply.content.strip()
    except UnusableReplyError as error:
        assert error.model == "m"


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"x-ratelimit-limit-tokens", b"X-RATELIMIT-REMAINING-TOKENS", b"x-ratelimit-", b"other"]),
            st.binary(max_size=6) | st.sampled_from([b"8000", b"7.5", b"1m26.4s", b"", b"nan", b"inf", b"-1"]),
        )
    )
)
def test_odd_limit_headers_are_skipped(headers: list[tuple[bytes, bytes]]) -> None:
    facts = read_limits(headers)
    for value in (facts.limit_tokens, facts.remaining_tokens, facts.limit_requests, facts.remaining_requests):
        assert value is None or 0 <= value < float("inf")


@pytest.mark.parametrize(
    ("said", "wait_s"),
    [
        ("1e9", 60.0), ("3600", 60.0), ("9" * 400, 60.0), ("inf", None), ("nan", None), ("-5", None), ("soon", None),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60.0), ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0), ("99:99:99", None),
    ],
)  # fmt: skip
def test_a_wait_is_believed_within_reason(said: str, wait_s: float | None) -> None:
    error = complete(refusal(429, "Too many requests", retry_after=said))
    assert isinstance(error, LimitReachedError) and error.wait_s == wait_s
