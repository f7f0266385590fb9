"""The heart of the server without sockets: what is refused, how long an answer takes, what it costs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import orjson
import pytest

from ketl.simulator.completions import Chat, Exchange
from ketl.simulator.config import SimulatorConfig, changed
from ketl.simulator.limits import Limits
from tests.simulator.wire import WESTERN, request

GPT = "openai/gpt-oss-120b"
QWEN = "qwen/qwen3.8-27b"
STRICT = {
    "type": "json_schema",
    "json_schema": {
        "name": "t",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "required": ["a"],
            "additionalProperties": False,
        },
    },
}


class Clock:
    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def ask(chat: Chat, body: dict[str, Any], **more: Any) -> Exchange:
    exchange = chat.begin(orjson.dumps(body), **more)
    chat.finish(exchange)
    return exchange


def error(exchange: Exchange) -> dict[str, Any]:
    return json.loads(exchange.payload)["error"]


def content(exchange: Exchange) -> str:
    return json.loads(exchange.payload)["choices"][0]["message"]["content"]


def test_reply_has_the_same_keys_and_the_usage_adds_up() -> None:
    exchange = ask(Chat(SimulatorConfig()), request({"a": "Black", "b": 'Trail shorts 12"'}))
    reply = json.loads(exchange.payload)
    usage = reply["usage"]
    assert json.loads(content(exchange)).keys() == {"a", "b"}
    assert reply["choices"][0]["finish_reason"] == "stop"
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert usage["total_time"] == usage["prompt_time"] + usage["completion_time"]
    assert exchange.delay_s == pytest.approx(usage["queue_time"] + usage["total_time"])


def test_same_request_takes_the_same_time_whatever_came_before() -> None:
    bodies = [request({"a": f"Trail shirt {n}"}) for n in range(30)]
    one_by_one, mixed = Chat(SimulatorConfig()), Chat(SimulatorConfig())
    first = [ask(one_by_one, body).delay_s for body in bodies]
    begun = [mixed.begin(orjson.dumps(body)) for body in reversed(bodies)]
    assert [exchange.delay_s for exchange in reversed(begun)] == first
    assert len(set(first)) == 30
    assert [ask(Chat(SimulatorConfig(seed=8)), body).delay_s for body in bodies] != first


def test_time_to_first_token_and_speed_resemble_the_platform() -> None:
    chat = Chat(SimulatorConfig(plan="unlimited"))
    first_s, speeds = [], []
    for n in range(400):
        usage = json.loads(ask(chat, request({"a": f"A shirt for long days, number {n}, and then some"})).payload)[
            "usage"
        ]
        first_s.append(usage["queue_time"] + usage["prompt_time"])
        speeds.append(usage["completion_tokens"] / usage["completion_time"])
    first_s.sort()
    assert 0.10 < first_s[200] < 0.14
    assert 0.20 < first_s[380] < 0.36
    assert 250 < sum(speeds) / len(speeds) < 310


def test_latency_range_and_scale_take_the_place_of_speeds() -> None:
    chat = Chat(SimulatorConfig(latency_s=(0.15, 1.3), time_scale=0.1))
    delays = [ask(chat, request({"a": f"Shirt {n}"})).delay_s for n in range(200)]
    assert 0.015 <= min(delays) < 0.03 and 0.11 < max(delays) <= 0.13


@pytest.mark.parametrize(
    ("model", "more", "status", "words"),
    [
        (WESTERN, {"n": 2}, 400, "at most 1"),
        (WESTERN, {"logprobs": True}, 400, "logprobs"),
        (WESTERN, {"logit_bias": {"1": 2}}, 400, "logit_bias"),
        (WESTERN, {"reasoning_effort": "low"}, 400, "not supported"),
        (GPT, {"reasoning_effort": "none"}, 400, "`low`, `medium`, `high`"),
        (QWEN, {"reasoning_effort": "minimal"}, 400, "must be one of"),
        (GPT, {"reasoning_format": "hidden"}, 400, "not supported"),
        (QWEN, {"reasoning_format": "parsed", "include_reasoning": True}, 400, "both"),
        (QWEN, {"reasoning_format": "raw", "response_format": {"type": "json_object"}}, 400, "raw"),
        (WESTERN, {"response_format": STRICT}, 400, "does not support response format `json_schema`"),
        (GPT, {"response_format": STRICT, "stream": True}, 400, "stream"),
        (GPT, {"response_format": {"type": "json_schema", "json_schema": {"name": "a b"}}}, 400, "name"),
        (WESTERN, {"max_completion_tokens": 40_000}, 400, "less than or equal to `32768`"),
        (WESTERN, {"max_completion_tokens": 0}, 400, "at least 1"),
        (WESTERN, {"temperature": 3}, 400, "between 0 and 2"),
        ("qwen/qwen3-32b", {}, 400, "decommissioned"),
        ("no/such-model", {}, 404, "does not exist"),
    ],
)
def test_what_the_provider_refuses_is_refused(model: str, more: dict[str, Any], status: int, words: str) -> None:
    exchange = ask(Chat(SimulatorConfig()), request({"a": "Black"}, model=model, **more))
    assert exchange.status == status
    assert words in error(exchange)["message"]


def test_open_strict_schema_is_refused_and_a_closed_one_taken() -> None:
    chat = Chat(SimulatorConfig())
    closed = request({"a": "Black"}, model=GPT, response_format=STRICT, reasoning_effort="low")
    assert ask(chat, closed).status == 200
    opened = json.loads(json.dumps(STRICT))
    opened["json_schema"]["schema"]["additionalProperties"] = True
    assert (
        "additionalProperties"
        in error(ask(chat, request({"a": "Black"}, model=GPT, response_format=opened)))["message"]
    )
    opened = json.loads(json.dumps(STRICT))
    opened["json_schema"]["schema"]["required"] = []
    assert "`required`" in error(ask(chat, request({"a": "Black"}, model=GPT, response_format=opened)))["message"]


@pytest.mark.parametrize("raw", [b"{broken", b"[]", b'{"model": "m"}', b'{"model": "m", "messages": [{"role": "x"}]}'])
def test_broken_body_is_a_400(raw: bytes) -> None:
    assert Chat(SimulatorConfig()).begin(raw).status == 400


def test_json_mode_wants_the_word_and_plain_text_is_answered_plainly() -> None:
    chat = Chat(SimulatorConfig())
    body = {"model": WESTERN, "messages": [{"role": "user", "content": "Hello rider"}]}
    assert content(ask(chat, body)) == "Hélló rídér ·demo·"
    assert "word 'json'" in error(ask(chat, body | {"response_format": {"type": "json_object"}}))["message"]


def test_too_small_a_ceiling_cuts_text_and_breaks_json() -> None:
    chat = Chat(SimulatorConfig())
    body = request({"a": "A lightweight hoodie for people who burn."}, max_completion_tokens=5)
    cut = json.loads(ask(chat, body).payload)
    assert cut["choices"][0]["finish_reason"] == "length" and cut["usage"]["completion_tokens"] == 5
    broken = ask(chat, body | {"response_format": {"type": "json_object"}})
    assert broken.status == 400 and error(broken)["code"] == "json_validate_failed"
    assert error(broken)["failed_generation"].startswith('{"a"')


def test_gpt_oss_always_reasons_and_hides_it_on_demand() -> None:
    chat = Chat(SimulatorConfig())
    shown = json.loads(ask(chat, request({"a": "Black"}, model=GPT, reasoning_effort="low")).payload)
    hidden = json.loads(
        ask(chat, request({"a": "Black"}, model=GPT, reasoning_effort="low", include_reasoning=False)).payload
    )
    assert 18 <= shown["usage"]["completion_tokens_details"]["reasoning_tokens"] <= 55
    assert shown["choices"][0]["message"]["reasoning"] and "reasoning" not in hidden["choices"][0]["message"]
    none = json.loads(ask(chat, request({"a": "Black"}, model=QWEN, reasoning_effort="none")).payload)
    assert none["usage"]["completion_tokens_details"]["reasoning_tokens"] == 0


def test_repeated_system_message_is_cached_and_does_not_count_against_tpm() -> None:
    chat = Chat(SimulatorConfig(limits={"*": Limits(tpm=100_000)}), Clock())
    body = request({"a": "Black"}, model=GPT, reasoning_effort="low")
    body["messages"][0]["content"] = "Translate as JSON with care. " * 60
    first, second = ask(chat, body), ask(chat, body)
    assert first.cached_tokens == 0 and second.cached_tokens == 384
    used = first.prompt_tokens + first.completion_tokens + second.prompt_tokens - 384 + second.completion_tokens
    headers = dict(chat.finish(second))
    assert int(headers[b"x-ratelimit-remaining-tokens"]) == 100_000 - used


def test_reservation_is_kept_when_told_so() -> None:
    chat = Chat(SimulatorConfig(limits={"*": Limits(tpm=100_000)}, settle=False), Clock())
    exchange = ask(chat, request({"a": "Black"}))
    remaining = int(dict(chat.finish(exchange))[b"x-ratelimit-remaining-tokens"])
    assert remaining == 100_000 - exchange.prompt_tokens - 400


def test_free_plan_admits_thirty_then_names_the_wait() -> None:
    chat = Chat(SimulatorConfig(plan="free"), Clock())
    statuses = [ask(chat, request({"a": "Black"}, max_completion_tokens=50)).status for _ in range(31)]
    assert statuses == [200] * 30 + [429]
    refused = ask(chat, request({"a": "Black"}, max_completion_tokens=50))
    assert "(RPM): Limit 30, Used 30, Requested 1. Please try again in 2s." in error(refused)["message"]
    assert ask(chat, request({"a": "Black"}, model=GPT)).status == 200


@pytest.mark.parametrize(
    ("settings", "spared"),
    [({"retired": [WESTERN]}, 0), ({"retire_after_requests": {WESTERN: 3}}, 3)],
)
def test_model_retires_at_start_or_after_requests(settings: dict[str, Any], spared: int) -> None:
    chat = Chat(changed(SimulatorConfig(), settings))
    statuses = [ask(chat, request({"a": "Black"})).status for _ in range(5)]
    assert statuses == [200] * spared + [400] * (5 - spared)
    assert error(ask(chat, request({"a": "Black"})))["code"] == "model_decommissioned"
    assert WESTERN not in {row["id"] for row in chat.models()}


def test_model_retires_at_its_time_and_may_be_forgotten() -> None:
    clock = Clock()
    chat = Chat(SimulatorConfig(retire_after_s={WESTERN: 10}, retired_code="model_not_found"), clock)
    assert ask(chat, request({"a": "Black"})).status == 200
    clock.now_s += 10
    assert error(ask(chat, request({"a": "Black"})))["code"] == "model_not_found"


def test_restricted_models_look_like_today() -> None:
    chat = Chat(SimulatorConfig(models=(GPT, "my/own-model")))
    assert [row["id"] for row in chat.models()] == [GPT, "my/own-model"]
    assert error(ask(chat, request({"a": "Black"})))["code"] == "model_decommissioned"
    assert ask(chat, request({"a": "Black"}, model="my/own-model")).status == 200


def test_required_key_is_required() -> None:
    chat = Chat(SimulatorConfig(keys=("gsk_good",)))
    assert ask(chat, request({"a": "Black"})).status == 401
    assert ask(chat, request({"a": "Black"}), authorization="Bearer gsk_good").status == 200


def test_script_meets_the_requests_it_names_in_turn() -> None:
    rules = [
        {"fault": "503", "tag": "ja", "times": 2, "after": 1},
        {"fault": "empty", "contains": "Socks", "times": None},
    ]
    chat = Chat(changed(SimulatorConfig(), {"script": rules}))
    assert [ask(chat, request({"a": "Black"}, tag="ja")).status for _ in range(4)] == [200, 503, 503, 200]
    assert ask(chat, request({"a": "Black"})).status == 200
    assert [content(ask(chat, request({"a": "Socks"}))) for _ in range(2)] == ["", ""]
    assert chat.stats.as_json()["faults"] == {"503": 2, "empty": 2}


def test_chance_has_its_share_repeats_and_lets_a_second_attempt_through() -> None:
    settings = SimulatorConfig(faults={"500": 0.1, "straggler": 0.1})
    bodies = [request({"a": f"Shirt {n}"}) for n in range(400)]

    def faults(chat: Chat) -> list[int]:
        return [ask(chat, body).status for body in bodies]

    chat = Chat(settings)
    first, again = faults(chat), faults(chat)
    assert 25 <= first.count(500) <= 60
    assert faults(Chat(settings)) == first
    assert sum(a == b == 500 for a, b in zip(first, again, strict=True)) < 15
    plain = Chat(SimulatorConfig())
    slow = [ask(Chat(SimulatorConfig(faults={"straggler": 1.0})), body).delay_s for body in bodies[:5]]
    assert all(s > 8 * ask(plain, body).delay_s for s, body in zip(slow, bodies[:5], strict=True))


def test_every_sixth_reply_is_damaged_by_each_kind_in_turn() -> None:
    chat = Chat(changed(SimulatorConfig(), {"damage_every": 6, "damage_kinds": ["missing_key", "refusal"]}))
    replies = [content(ask(chat, request({"a": "Black", "b": f"Shirt {n}"}))) for n in range(12)]
    spoilt = [n for n, reply in enumerate(replies) if not reply.startswith("{") or len(json.loads(reply)) < 2]
    assert spoilt == [5, 11]


def test_server_failure_is_not_billed_and_gives_its_reservation_back() -> None:
    chat = Chat(SimulatorConfig(limits={"*": Limits(tpm=10_000)}, faults={"500": 1.0}), Clock())
    exchange = ask(chat, request({"a": "Black"}))
    assert exchange.status == 500
    assert dict(chat.finish(exchange))[b"x-ratelimit-remaining-tokens"] == b"10000"
    assert chat.stats.as_json()["models"][WESTERN]["billed_tokens"] == 0


def test_statistics_count_what_was_seen_at_once_and_asked() -> None:
    chat = Chat(SimulatorConfig())
    begun = [chat.begin(orjson.dumps(request({"a": "Black"}, tag=tag))) for tag in ("es", "es", "ja")]
    finish: Callable[[Exchange], object] = chat.finish
    for exchange in begun:
        finish(exchange)
    ask(chat, request({"a": "Blue"}, model="no/such-model"))
    stats = chat.stats.as_json()
    assert (stats["requests"], stats["max_in_flight"], stats["in_flight"], stats["distinct_segments"]) == (4, 3, 0, 2)
    assert [WESTERN, "es", "Black", 2] in stats["seen"] and [WESTERN, "ja", "Black", 1] in stats["seen"]
    assert stats["models"]["no/such-model"]["status_counts"] == {"404": 1}
    assert stats["models"][WESTERN]["busy_s"] == pytest.approx(sum(e.delay_s for e in begun))
