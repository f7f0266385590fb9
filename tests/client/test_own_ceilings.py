"""A model's own maximum of written tokens, and its context: found in whatever words a provider has for them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ketl.errors import LimitReachedError, RefusedError
from ketl.provider.groq_errors import _ceiling_refused
from tests.client.wire import Answer, complete, refusal


@pytest.mark.parametrize(
    ("message", "most"),
    [
        ("This model's maximum context length is 131072 tokens and its max output is 180 tokens.", 180),
        ("max_tokens: 9000 > 8192, which is the maximum allowed number of output tokens", 8192),
        ("Input validation error: `max_new_tokens` must be <= 180. Given: 9000", 180),
        ("Invalid max_tokens value, the valid range of max_tokens is [1, 8,192]", 8192),
        ("max_tokens 9000 exceeds the limit of 4096 for llama-3.3-70b-versatile", 4096),
        ("maxOutputTokens must be in the range from 1 (inclusive) to 8193 (exclusive)", 8193),
        # Larger than ours, or not of the answer alone: it was refused for something else.
        ("`max_tokens` must be at most 131072", None),
        ("The prompt may have 4096 tokens; see max_tokens.", None),
    ],
)  # fmt: skip
def test_a_model_s_own_ceiling_is_found_in_whatever_words(message: str, most: int | None) -> None:
    error = complete(refusal(400, message))
    assert isinstance(error, RefusedError) and error.most_tokens == most


@pytest.mark.parametrize(
    "answer",
    [
        refusal(400, "Please reduce it.", "context_length_exceeded"),
        refusal(400, "This model's maximum context length is 8192 tokens. However, you requested 17000 tokens (8000 in "
                "the messages, 9000 in the completion). Please reduce the length of the messages or completion."),
        refusal(400, "prompt is too long: 9000 tokens > 8192 maximum"),
        refusal(422, "`inputs` tokens + `max_new_tokens` exceed the context window of 4096."),
    ],
)  # fmt: skip
def test_a_request_beyond_the_context_is_too_large(answer: Answer) -> None:
    error = complete(answer)
    assert isinstance(error, LimitReachedError) and error.too_large


@pytest.mark.parametrize("text", ["maximum context length is 131072, max output tokens ", "max_tokens <= ", ""])
@given(most=st.integers(64, 8_999))
@settings(max_examples=30)
def test_any_own_ceiling_below_ours_is_learned_and_no_other_figure(text: str, most: int) -> None:
    found = _ceiling_refused({"error": {"param": "max_tokens"}}, f"{text}{most}, and not 9000", "m", 9_000)
    assert found is not None and found.most_tokens == most
    assert f"at most {most:,} tokens" in str(found)
