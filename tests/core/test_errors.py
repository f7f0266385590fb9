"""Every error is one family, reads as a sentence, and never shows a secret."""

from __future__ import annotations

import inspect

import pytest

from ketl import errors
from ketl._words import did_you_mean, forget_keys, hide_key, near_matches, redact
from ketl.errors import KetlError, LimitReachedError, ProviderError

FAMILY = [value for _, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, Exception)]


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_every_error_is_of_the_family_and_stands_in_its_tree(kind: type[KetlError]) -> None:
    assert issubclass(kind, KetlError) and kind.__name__ in (errors.__doc__ or "")
    error = kind("The product file is empty.")
    assert str(error) == "The product file is empty."
    assert (error.unit, error.model, error.attempt, error.wait_s) == (None, None, None, None)


@pytest.mark.parametrize("kind", FAMILY, ids=lambda kind: kind.__name__)
def test_no_error_shows_a_key_or_an_organization(kind: type[KetlError]) -> None:
    said = str(kind("Key gsk_abcDEF1234567890 of org_01hxyz890abc was refused (Bearer gsk_abcDEF1234567890)."))
    assert "gsk_" not in said and "org_" not in said and said.startswith("Key … of …")


@pytest.mark.parametrize(
    "secret",
    ["gsk_aB3-d_E9", "org_01jv5w6x7y8z", "sk-proj-abcdefgh12345678", "bearer abc.def.ghi", "Bearer 0123456789"],
)
def test_secrets_are_taken_out_of_any_text(secret: str) -> None:
    said = redact(f"in organization `{secret}` service tier")
    assert secret not in said and "service tier" in said


def test_a_key_of_any_shape_is_hidden_once_it_is_known() -> None:
    said = "The gateway knows no house-4711-secret here."
    assert redact(said) == said
    hide_key("house-4711-secret")
    assert redact(said) == "The gateway knows no … here."
    assert "4711" not in str(KetlError(said))
    forget_keys()
    assert redact(said) == said


def test_a_key_too_short_to_be_one_is_not_cut_out_of_words() -> None:
    hide_key("five5")
    assert redact("five5 of them") == "five5 of them"


def test_ordinary_words_stay() -> None:
    text = "The forebearer of this org chart sold gsk shares; sk-8 is a skate shoe."
    assert redact(text) == text


def test_facts_of_a_limit_stay_numbers() -> None:
    error = LimitReachedError("limit", kind="TPM", limit=8000, used=7000, requested=2000, model="m", wait_s=7.5)
    assert (error.kind, error.limit, error.used, error.requested, error.wait_s) == ("TPM", 8000, 7000, 2000, 7.5)
    assert not error.too_large and error.model == "m"
    assert ProviderError("down", status=503, wait_s=2).status == 503


def test_near_matches_ignore_case_and_come_best_first() -> None:
    assert near_matches("SPANSH", ["Polish", "Spanish", "Danish"])[0] == "Spanish"
    assert near_matches("zzz", ["Polish"]) == []
    assert did_you_mean("detials", ["details", "name"]) == " Did you mean details?"
    assert did_you_mean("zzz", ["details"]) == ""
