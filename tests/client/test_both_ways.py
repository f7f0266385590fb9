"""Requests go by the frame where the SDK is as expected inside, else its public way: the provider sees the same."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import groq
import httpx
import pytest
from groq import _base_client, _models

from ketl.errors import AuthenticationError, LimitReachedError, ModelGoneError, ProviderError, RunError
from ketl.provider.groq import GroqClient
from ketl.provider.protocol import Reply
from tests.client.wire import CALL, KEY, Answer, Asked, completion, refusal, talk

Break = Callable[[pytest.MonkeyPatch], None]
_build = _base_client.BaseClient._build_request


def as_expected(patch: pytest.MonkeyPatch) -> None:
    """Leave the SDK as it is."""


def no_options(patch: pytest.MonkeyPatch) -> None:
    patch.delattr(_models, "FinalRequestOptions")


def another_parameter(patch: pytest.MonkeyPatch) -> None:
    def build(self: Any, options: Any, *, retries_taken: int = 0, trace: str = "") -> httpx.Request:
        return _build(self, options, retries_taken=retries_taken)

    patch.setattr(_base_client.BaseClient, "_build_request", build)


def no_such_method(patch: pytest.MonkeyPatch) -> None:
    request = _base_client.AsyncAPIClient.request
    patch.delattr(_base_client.BaseClient, "_build_request")
    patch.setattr(_base_client.BaseClient, "_make_request", _build, raising=False)

    async def renamed(self: Any, cast_to: Any, options: Any, **rest: Any) -> Any:
        self._build_request = self._make_request
        return await request(self, cast_to, options, **rest)

    patch.setattr(_base_client.AsyncAPIClient, "request", renamed)


def signed_at_the_end(patch: pytest.MonkeyPatch) -> None:
    """The key is put in later than the frame would look for it."""

    def build(self: Any, options: Any, *, retries_taken: int = 0) -> httpx.Request:
        made = _build(self, options, retries_taken=retries_taken)
        del made.headers["authorization"]
        return made

    async def prepare(self: Any, request: httpx.Request) -> None:
        request.headers["authorization"] = f"Bearer {self.api_key}"

    patch.setattr(_base_client.BaseClient, "_build_request", build)
    patch.setattr(_base_client.AsyncAPIClient, "_prepare_request", prepare)


CHANGED = [no_options, another_parameter, no_such_method, signed_at_the_end]


@pytest.fixture
def posts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the paths that go the SDK's public way from now on."""
    seen: list[str] = []
    post = groq.AsyncGroq.post

    async def spy(self: Any, path: str, **rest: Any) -> Any:
        seen.append(path)
        return await post(self, path, **rest)

    monkeypatch.setattr(groq.AsyncGroq, "post", spy)
    return seen


async def three(client: GroqClient) -> list[Reply]:
    """Ask three times over one client."""
    return [await client.complete(CALL) for _ in range(3)]


def seen_by_provider(asked: list[Asked]) -> list[tuple[Any, ...]]:
    kept = ("authorization", "content-type", "accept", "user-agent", "content-length", "x-stainless-lang")
    return [(a.method, a.path, a.body, *(a.headers.get(name) for name in kept)) for a in asked]


def test_the_sdk_that_is_installed_is_framed(posts: list[str], caplog: pytest.LogCaptureFixture) -> None:
    replies, _ = talk(Answer(200, completion('{"a": "x"}')), three)
    assert [reply.content for reply in replies] == ['{"a": "x"}'] * 3
    assert posts == [] and caplog.records == []


@pytest.mark.parametrize("change", CHANGED, ids=lambda f: f.__name__)
def test_an_sdk_that_changed_inside_is_used_its_public_way_and_the_provider_sees_the_same(
    change: Break, posts: list[str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    answer = Answer(200, completion('{"a": "x"}'))
    framed, expected = talk(answer, three)
    change(monkeypatch)
    with caplog.at_level(logging.WARNING):
        public, arrived = talk(answer, three)
    assert public == framed and len(posts) == 3
    assert seen_by_provider(arrived) == seen_by_provider(expected)
    [said] = [record.getMessage() for record in caplog.records]
    assert groq.__version__ in said and "public way" in said and KEY not in said


@pytest.mark.parametrize("change", [as_expected, *CHANGED], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refusal(401, "Invalid API Key", "invalid_api_key"), AuthenticationError),
        (refusal(429, "slow down", "rate_limit_exceeded", retry_after="7"), LimitReachedError),
        (refusal(400, "decommissioned", "model_decommissioned"), ModelGoneError),
        (refusal(503, "over capacity"), ProviderError),
    ],
    ids=["key", "limit", "gone", "down"],
)
def test_either_way_a_failure_is_the_same_named_error(
    answer: Answer, kind: type[RunError], change: Break, monkeypatch: pytest.MonkeyPatch
) -> None:
    change(monkeypatch)

    async def act(client: GroqClient) -> RunError:
        with pytest.raises(RunError) as caught:
            await client.complete(CALL)
        return caught.value

    error, arrived = talk(answer, act)
    assert type(error) is kind and len(arrived) == 1
    assert error.wait_s == (7.0 if kind is LimitReachedError else None)


@pytest.mark.parametrize("change", [as_expected, *CHANGED], ids=lambda f: f.__name__)
def test_either_way_the_list_of_models_can_be_read(change: Break, monkeypatch: pytest.MonkeyPatch) -> None:
    change(monkeypatch)
    listed, [asked] = talk(Answer(200, {"data": [{"id": "m"}]}), lambda client: client.list_models())
    assert [row.id for row in listed] == ["m"] and asked.method == "GET"
