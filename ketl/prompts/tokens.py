"""Estimates tokens before anything is sent; what answers say corrects them per model and language."""

from __future__ import annotations

from ketl.language.brand_voice import BrandVoice
from ketl.language.languages import Language
from ketl.prompts.wording import system_message

_CHARS_PER_PROMPT_TOKEN = 4.0  # English JSON in the o200k family of vocabularies
_WIDE_CHARS_PER_TOKEN = 1.6
_SYSTEM_TOKENS = round(len(system_message(BrandVoice())) / 4.6)
_ENVELOPE_TOKENS = 34  # the JSON around the segments: language, tag, style, chat template
_KEY_PROMPT_TOKENS = 6
_KEY_COMPLETION_TOKENS = 7
_COMPLETION_BASE_TOKENS = 4


def source_tokens(text: str) -> float:
    """Return about how many tokens `text` takes in a prompt; learned factors correct it per model."""
    length = len(text)
    if text.isascii():
        return length / _CHARS_PER_PROMPT_TOKEN
    wide = len(text.encode("utf-8", "replace")) - length
    narrow = max(0, length - wide)
    return narrow / _CHARS_PER_PROMPT_TOKEN + wide / _WIDE_CHARS_PER_TOKEN


def completion_tokens(text: str, language: Language) -> float:
    """Return about how many tokens the translation of `text` takes, its JSON key included."""
    return len(text) * language.expansion / language.chars_per_token + _KEY_COMPLETION_TOKENS


def prompt_tokens(texts_tokens: float, segments: float) -> float:
    """Return about how many tokens a request's prompt takes, given the sum of `source_tokens` of its texts."""
    return _SYSTEM_TOKENS + _ENVELOPE_TOKENS + texts_tokens + segments * _KEY_PROMPT_TOKENS


def answer_tokens(texts_completion: float) -> float:
    """Return about how many tokens an answer takes, given the sum of `completion_tokens` of its texts."""
    return _COMPLETION_BASE_TOKENS + texts_completion
