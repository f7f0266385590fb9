"""The real SDK over a handler at the HTTP boundary: good answers are read, each failure is its named error."""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
from typing import Any

import pytest

from ketl._words import hide_key
from ketl.errors import (
    ACCOUNT,
    BLOCKED,
    CEILING,
    AuthenticationError,
    LimitReachedError,
    ModelGoneError,
    ProviderError,
    RefusedError,
    RunError,
    UnreachableError,
    UnusableReplyError,
)
from ketl.provider.groq import GroqClient, is_loopback, normal_base_url
from ketl.provider.protocol import NO_LIMIT_FACTS, LimitFacts, ListedModel, Reply
from tests.client.wire import CALL, KEY, ORGANIZATION, Answer, complete, completion, refusal, talk

LIMITED = (
    "{what} for model `openai/gpt-oss-120b` in organization `" + ORGANIZATION + "` service tier `on_demand` on "
    "{words} ({kind}): Limit {limit}, Used {used}, Requested {requested}. Please try again in {wait}. "
    "Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing"
)


def limited(kind: str, limit: str, used: str, requested: str, wait: str, **headers: str) -> Answer:
    message = LIMITED.format(
        what="Rate limit reached", words="some words", kind=kind, limit=limit, used=used, requested=requested, wait=wait
    )
    return refusal(429, message, "rate_limit_exceeded", **headers)


def test_an_answer_is_read_with_its_tokens_and_what_its_headers_say() -> None:
    body = completion(
        '{"a": "靴下"}',
        usage={
            "prompt_tokens": 120, "completion_tokens": 34, "total_tokens": 154, "queue_time": 0.02,
            "prompt_tokens_details": {"cached_tokens": 64},
        },
    )  # fmt: skip
    headers = {
        "X-RateLimit-Limit-Requests": "1000", "x-ratelimit-remaining-requests": "999",
        "x-ratelimit-limit-tokens": "8000", "x-ratelimit-remaining-tokens": "7922",
        "x-ratelimit-reset-requests": "1m26.4s", "x-ratelimit-reset-tokens": "585ms", "x-request-id": "req_1",
    }  # fmt: skip
    assert complete(Answer(200, body, headers)) == Reply(
        content='{"a": "靴下"}',
        finish_reason="stop",
        prompt_tokens=120,
        completion_tokens=34,
        cached_tokens=64,
        queue_s=0.02,
        limits=LimitFacts(limit_requests=1000, remaining_requests=999, limit_tokens=8000, remaining_tokens=7922),
    )


def test_the_request_is_what_the_provider_documents() -> None:
    _, (asked,) = talk(Answer(200, completion()), lambda client: client.complete(CALL))
    assert (asked.method, asked.path) == ("POST", "/openai/v1/chat/completions")
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["content-type"].startswith("application/json")
    assert asked.body == {
        "model": "openai/gpt-oss-120b",
        "messages": [{"role": "system", "content": CALL.system}, {"role": "user", "content": CALL.user}],
        "max_completion_tokens": 9_000,
        "temperature": 0.2,
        "reasoning_effort": "low",
    }


@pytest.mark.parametrize("path", ["", "/", "/openai/v1", "/openai/v1/", "/v1", "/openai", "/openai/v1//"])
def test_a_base_address_with_or_without_its_path_reaches_the_same_place(path: str) -> None:
    _, (asked,) = talk(Answer(200, completion()), lambda client: client.complete(CALL), path=path)
    assert asked.path == "/openai/v1/chat/completions"


def test_a_gateway_s_own_path_is_kept() -> None:
    assert normal_base_url(" https://gateway.example/groq/openai/v1/ ") == "https://gateway.example/groq"
    _, (asked,) = talk(Answer(200, completion()), lambda client: client.complete(CALL), path="/proxy/groq/openai/v1")
    assert asked.path == "/proxy/groq/openai/v1/chat/completions"


@pytest.mark.parametrize(
    ("changes", "reply"),
    [
        ({"usage": None}, (None, None, 0, "stop")),
        ({"usage": {}}, (None, None, 0, "stop")),
        ({"usage": ["odd"]}, (None, None, 0, "stop")),
        ({"usage": "odd"}, (None, None, 0, "stop")),
        ({"usage": {"prompt_tokens": 5, "completion_tokens": 6, "prompt_tokens_details": None}}, (5, 6, 0, "stop")),
        ({"choices": [{"message": {"content": "x"}, "finish_reason": "length"}]}, (120, 34, 0, "length")),
        ({"choices": [{"message": {"content": "x"}, "finish_reason": None}]}, (120, 34, 0, "stop")),
    ],
    ids=["null usage", "empty usage", "list for usage", "text for usage", "null details", "cut off", "no reason"],
)
def test_what_an_answer_leaves_out_is_unknown_and_not_zero(changes: dict[str, Any], reply: tuple[Any, ...]) -> None:
    got = complete(Answer(200, completion("x", **changes)))
    assert isinstance(got, Reply) and got.limits is NO_LIMIT_FACTS
    assert (got.prompt_tokens, got.completion_tokens, got.cached_tokens, got.finish_reason) == reply


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        (limited("TPM", "12000", "4437", "9854", "11.455s", retry_after="12"), ("TPM", 12000, 4437, 9854, 11.455)),
        (limited("TPM", "8,000", "7,900", "1,225", "8.4375s"), ("TPM", 8000, 7900, 1225, 8.4375)),
        (limited("TPD", "100000", "97050", "3619", "9m38.016s", retry_after="579"),
         ("TPD", 100000, 97050, 3619, 578.016)),
        (limited("RPM", "30", "30", "1", "1.999999999s"), ("RPM", 30, 30, 1, 1.999999999)),
        (limited("RPD", "1000", "1000", "1", "1m26.4s"), ("RPD", 1000, 1000, 1, 86.4)),
        (limited("OTPM", "1000", "900", "400", "585ms"), ("OTPM", 1000, 900, 400, 0.585)),
        (limited("ITPM", "6000", "5900", "200", "1h2m3s"), ("ITPM", 6000, 5900, 200, 60)),
        (refusal(429, "Too many requests", retry_after="22"), (None, None, None, None, 22)),
        (refusal(429, "Too many requests"), (None, None, None, None, None)),
        (Answer(429, b"slow down", {"content-type": "text/plain", "retry-after": "3"}), (None, None, None, None, 3)),
    ],
    ids=["TPM", "thousands", "TPD", "RPM", "RPD", "OTPM", "ITPM", "header only", "nothing said", "not JSON"],
)  # fmt: skip
def test_a_rate_limit_carries_its_kind_figures_and_exact_wait(answer: Answer, facts: tuple[Any, ...]) -> None:
    error = complete(answer)
    assert isinstance(error, LimitReachedError) and not error.too_large and error.model == CALL.model
    kind, limit, used, requested, wait_s = facts
    assert (error.kind, error.limit, error.used, error.requested) == (kind, limit, used, requested)
    assert error.wait_s == (None if wait_s is None else pytest.approx(wait_s))
    assert str(error).startswith("A rate limit of openai/gpt-oss-120b is reached")


@pytest.mark.parametrize("status", [413, 429])
def test_a_request_larger_than_the_limit_is_told_apart_from_one_that_can_wait(status: int) -> None:
    message = (
        f"Request too large for model `openai/gpt-oss-120b` in organization `{ORGANIZATION}` on output tokens per "
        "minute (OTPM): Limit 1000, Requested 1329, please reduce your max_tokens and try again."
    )
    error = complete(refusal(status, message, "rate_limit_exceeded", retry_after="9"))
    assert isinstance(error, LimitReachedError) and error.too_large and error.wait_s is None
    assert (error.kind, error.limit, error.requested) == ("OTPM", 1000, 1329)
    assert "larger than openai/gpt-oss-120b takes at once (1,329 tokens of 1,000)" in str(error)


def test_a_bare_413_is_too_large_with_its_facts_unknown() -> None:
    error = complete(Answer(413, b"<html>413</html>", {"content-type": "text/html"}))
    assert isinstance(error, LimitReachedError) and error.too_large and error.limit is None


@pytest.mark.parametrize(
    ("answer", "kind", "facts", "says"),
    [
        (refusal(498, "Flex tier capacity exceeded", "capacity_exceeded"), LimitReachedError, {"kind": "CAPACITY"},
         "no free capacity"),
        (refusal(500, "Internal Server Error"), ProviderError, {"status": 500, "wait_s": None}, "status 500"),
        (refusal(503, "openai/gpt-oss-120b is currently over capacity.", retry_after="4"), ProviderError,
         {"status": 503, "wait_s": 4.0}, "usually passes"),
        (Answer(502, b"<html>Bad gateway</html>", {"content-type": "text/html"}), ProviderError, {"status": 502},
         "status 502"),
        (Answer(524, b"error code: 524", {"content-type": "text/plain"}), ProviderError, {"status": 524}, "status 524"),
        (refusal(409, "Conflict"), ProviderError, {"status": 409}, "busy"),
        (refusal(408, "Timeout"), ProviderError, {"status": 408}, "busy"),
        (refusal(400, "The model `openai/gpt-oss-120b` has been decommissioned", "model_decommissioned"),
         ModelGoneError, {"model": CALL.model}, "has been decommissioned"),
        (refusal(404, "The model `x` does not exist or you do not have access to it.", "model_not_found"),
         ModelGoneError, {}, "is not available"),
        (refusal(404, "The model `x` does not exist"), ModelGoneError, {}, "is not available"),
        (refusal(403, "blocked at the organization level", "model_permission_blocked_org"), ModelGoneError, {},
         "blocked at the organization level"),
        (refusal(403, "blocked for this project", "model_permission_blocked_project"), ModelGoneError, {}, "blocked"),
        (refusal(400, "terms", "model_terms_required"), ModelGoneError, {}, "terms"),
        (refusal(422, "semantic"), RefusedError, {"code": None}, "status 422"),
        (refusal(422, "Input validation error: `max_new_tokens` must be <= 200. Given: 9000"), RefusedError,
         {"code": CEILING, "most_tokens": 200}, "at most 200"),
        (Answer(400, {"message": "Too hot.", "code": "tea"}), RefusedError, {"code": "tea"}, "Too hot."),
        (Answer(400, [{"error": {"code": 400, "message": "Too hot."}}]), RefusedError, {"code": "400"}, "Too hot."),
        (Answer(400, {"detail": "Too hot."}), RefusedError, {"code": None}, "Too hot."),
        (Answer(400, {"error": {"message": "Provider error", "metadata": {"raw": "Too hot."}}}), RefusedError,
         {"code": None}, "Provider error Too hot."),
        (refusal(400, "spend", "blocked_api_access"), RefusedError, {"code": ACCOUNT}, "spend limit"),
        (refusal(400, f"Organization `{ORGANIZATION}` has been restricted.", "organization_restricted"), RefusedError,
         {"code": ACCOUNT}, "has been restricted"),
        (refusal(403, "This organization has been suspended"), RefusedError, {"code": ACCOUNT}, "been suspended"),
        (refusal(401, "This account was closed", "account_deactivated"), RefusedError, {"code": ACCOUNT}, "closed"),
        (refusal(402, ""), RefusedError, {"code": ACCOUNT}, "refuses this account"),
        (refusal(429, "You exceeded your current quota", "insufficient_quota"), RefusedError,
         {"code": ACCOUNT}, "quota"),
        (refusal(400, "Insufficient balance"), RefusedError, {"code": ACCOUNT}, "Insufficient balance"),
        (refusal(400, "Your organization must be verified to use the model `x`", "unverified"), RefusedError,
         {"code": "unverified"}, "verified"),
        (refusal(400, "`max_completion_tokens` must be at least 1 and less than or equal to `8192`, the maximum value "
                 "for `max_completion_tokens` of this model"), RefusedError,
         {"code": CEILING, "most_tokens": 8192}, "8,192"),
        (refusal(400, "max_tokens is too large: 9000. This model supports at most 4,096 completion tokens."),
         RefusedError, {"code": CEILING, "most_tokens": 4096}, "4,096"),
        (refusal(400, "max_tokens must be a number"), RefusedError, {"most_tokens": None}, "must be a number"),
        (refusal(400, "max_tokens is too large for this model"), RefusedError,
         {"code": CEILING, "most_tokens": 4500}, "fewer tokens at once"),
        (refusal(400, "property 'n' is unsupported", "unsupported"), RefusedError, {"code": "unsupported"},
         "property 'n' is unsupported"),
        (refusal(404, "Unknown request URL: POST /nothing", "unknown_url"), RefusedError, {"code": "unknown_url"},
         "Unknown request URL"),
        (Answer(403, b"error code: 1010", {"content-type": "text/plain"}), RefusedError, {"code": BLOCKED},
         "firewall"),
        (Answer(403, b"", {"content-type": "text/html"}), RefusedError, {"code": BLOCKED}, "status 403"),
        (refusal(400, "`reasoning_effort` must be one of `low`, `medium`"), RefusedError, {"code": "reasoning"},
         "reasoning_effort"),
        (refusal(400, "This model does not support response format `json_schema`"), RefusedError,
         {"code": "response_format"}, "json_schema"),
        (refusal(401, f"Invalid API Key {KEY}", "invalid_api_key"), AuthenticationError, {}, "Check GROQ_API_KEY"),
        (Answer(401, b"", {}), AuthenticationError, {}, "refused the API key"),
    ],
    ids=lambda v: f"{v.status}" if isinstance(v, Answer) else getattr(v, "__name__", ""),
)  # fmt: skip
def test_each_refusal_is_its_named_error_with_its_facts(
    answer: Answer, kind: type[RunError], facts: dict[str, Any], says: str
) -> None:
    error = complete(answer)
    assert type(error) is kind and says in str(error)
    for name, value in facts.items():
        assert getattr(error, name) == value


@pytest.mark.parametrize("sent", [0, 20, 70, 150])
def test_a_connection_that_breaks_is_unreachable(sent: int) -> None:
    error = complete(Answer(200, completion("x" * 500), sent=sent))
    assert type(error) is UnreachableError and not error.timed_out and "Check the network" in str(error)


def test_a_reset_in_the_middle_of_the_body_is_unreachable() -> None:
    whole = Answer(200, completion("x" * 5000))
    error = complete(Answer(200, whole.body, sent=len(whole.raw()) - 2000))
    assert type(error) is UnreachableError


def test_a_compressed_answer_is_read() -> None:
    packed = gzip.compress(json.dumps(completion("ソックス")).encode())
    got = complete(Answer(200, packed, {"content-encoding": "gzip"}))
    assert isinstance(got, Reply) and got.content == "ソックス"
    spoilt = complete(Answer(200, packed[:-30] + b"x" * 30, {"content-encoding": "gzip"}))
    assert isinstance(spoilt, UnusableReplyError | UnreachableError)


def test_nobody_listening_is_unreachable() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]

        async def go() -> None:
            client = GroqClient(KEY, f"http://127.0.0.1:{port}")
            try:
                with pytest.raises(UnreachableError, match="could not be reached"):
                    await client.complete(CALL)
                with pytest.raises(UnreachableError):
                    await client.list_models()
            finally:
                await client.close()

        asyncio.run(go())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 429, 498, 500, 503])
def test_no_message_shows_a_key_or_an_organization(status: int) -> None:
    error = complete(refusal(status, f"In organization `{ORGANIZATION}` with Bearer {KEY}: {KEY} model", "odd_code"))
    assert isinstance(error, RunError)
    assert KEY not in str(error) and "gsk_" not in str(error) and "org_" not in str(error)


def test_a_key_at_the_place_where_a_refusal_is_cut_leaves_no_part_of_itself() -> None:
    hide_key("house-4711-secret")
    said = str(complete(refusal(400, "x" * 188 + " house-4711-secret is not known to this gateway")))
    assert "xxx …" in said and "house" not in said


@pytest.mark.parametrize("status", [400, 404, 402])
def test_no_message_moves_a_terminal_or_turns_a_line_round(status: int) -> None:
    words = "\x1b[31mthe model\x07 \u202edetrevni\u2066 \x9b2J says\r\nno\u200b"
    error = complete(Answer(status, {"error": {"message": words, "code": "odd"}}))
    assert isinstance(error, RunError) and str(error).isprintable()


def test_a_long_refusal_is_cut_to_a_sentence() -> None:
    assert len(str(complete(refusal(400, "because " * 500)))) < 300


def test_one_failure_is_one_call_since_retrying_is_the_engines() -> None:
    for answer in (refusal(500, "x"), refusal(429, "x", retry_after="0"), refusal(409, "x", x_should_retry="true")):
        calls: list[object] = []
        answered = answer

        def count(asked: object, calls: list[object] = calls, answered: Answer = answered) -> Answer:
            calls.append(asked)
            return answered

        assert isinstance(complete(count), RunError) and len(calls) == 1


def test_many_calls_at_once_each_get_their_own_answer() -> None:
    async def act(client: GroqClient) -> list[str]:
        calls = [client.complete(type(CALL)(**{**_fields(CALL), "user": f"text {n}"})) for n in range(40)]
        return [reply.content for reply in await asyncio.gather(*calls)]

    texts, asked = talk(lambda asked: Answer(200, completion(asked.body["messages"][1]["content"].upper())), act)
    assert texts == [f"TEXT {n}" for n in range(40)] and len(asked) == 40


def _fields(call: object) -> dict[str, Any]:
    return {name: getattr(call, name) for name in call.__dataclass_fields__}  # type: ignore[attr-defined]


def test_models_are_listed_with_what_the_provider_tells_of_them() -> None:
    rows = [
        {"id": "openai/gpt-oss-120b", "object": "model", "active": True, "context_window": 131072,
         "max_completion_tokens": 65536},
        {"id": "old", "active": False},
        {"id": "bare", "context_window": None},
    ]  # fmt: skip
    listed, (asked,) = talk(Answer(200, {"object": "list", "data": rows}), lambda client: client.list_models())
    assert (asked.method, asked.path) == ("GET", "/openai/v1/models")
    assert listed == [
        ListedModel(id="openai/gpt-oss-120b", context_tokens=131072, max_completion_tokens=65536),
        ListedModel(id="old", active=False),
        ListedModel(id="bare"),
    ]


@pytest.mark.parametrize("body", [b"", b"nonsense", {}, {"data": None}, {"data": [{}]}, {"data": ["id"]}, []], ids=str)
def test_an_unreadable_list_of_models_is_unusable(body: object) -> None:
    async def act(client: GroqClient) -> None:
        with pytest.raises(UnusableReplyError, match="list of models could not be read"):
            await client.list_models()

    talk(Answer(200, body), act)


def test_a_refused_key_is_noticed_when_listing_models() -> None:
    async def act(client: GroqClient) -> None:
        with pytest.raises(AuthenticationError):
            await client.list_models()

    talk(refusal(401, "Invalid API Key", "invalid_api_key"), act)


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:8", True), ("http://localhost:8/v1", True), ("http://[::1]:8", True),
        ("http://demo.localhost", True), ("https://api.groq.com", False), ("http://10.0.0.1", False), (None, False),
    ],
)  # fmt: skip
def test_only_this_machine_is_loopback(url: str | None, own: bool) -> None:
    assert is_loopback(url) is own


def test_an_infinite_limit_is_not_believed() -> None:
    error = complete(limited("TPM", "9" * 400, "9" * 400, "1", "0s"))
    assert isinstance(error, LimitReachedError) and error.limit is None and error.used is None
