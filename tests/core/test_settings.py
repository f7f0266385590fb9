"""The environment decides between Groq and the demo, and a damaged key is noticed before it is sent."""

from __future__ import annotations

import pytest

from ketl.errors import KetlError, SettingsError
from ketl.settings import Settings, load_settings

KEY = "gsk_0123456789abcdefABCDEF"


def test_without_a_key_the_engine_is_the_demo() -> None:
    assert load_settings({}) == Settings() and Settings().engine == "demo"
    assert load_settings({"GROQ_API_KEY": " \n"}).engine == "demo"
    assert load_settings({"GROQ_BASE_URL": "http://127.0.0.1:9"}) == Settings()


def test_a_key_and_a_gateway_are_used_as_they_are() -> None:
    read = load_settings(
        {"GROQ_API_KEY": f" {KEY}\n", "GROQ_BASE_URL": "https://gateway.example/groq", "KETL_DATABASE_URL": "sqlite://"}
    )
    assert read == Settings(api_key=KEY, base_url="https://gateway.example/groq", database_url="sqlite://")
    assert read.engine == "groq"


def test_a_key_of_any_shape_is_hidden_from_the_moment_it_is_read() -> None:
    with pytest.raises(SettingsError, match="http"):
        load_settings({"GROQ_API_KEY": "door-4711-house", "GROQ_BASE_URL": "ftp://gateway.example"})
    assert str(KetlError("The gateway said door-4711-house.")) == "The gateway said …."


def test_the_environment_comes_before_secrets() -> None:
    secrets = {"GROQ_API_KEY": "gsk_from_secrets", "KETL_DATABASE_URL": "postgresql://db/ketl"}
    assert load_settings({}, secrets).api_key == "gsk_from_secrets"
    read = load_settings({"GROQ_API_KEY": KEY}, secrets)
    assert (read.api_key, read.database_url) == (KEY, "postgresql://db/ketl")


def test_the_process_environment_is_read_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROQ_API_KEY", KEY)
    assert load_settings().api_key == KEY


@pytest.mark.parametrize("key", ["gsk_with space", "gsk_\u200b123", "“gsk_123”", "gsk_a\tb", "gsk_a\x07", "gsk_é"])
def test_a_key_with_characters_no_key_has_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(SettingsError, match="Copy the key again") as caught:
        load_settings({"GROQ_API_KEY": key})
    assert key not in str(caught.value)


@pytest.mark.parametrize("url", ["gateway.example", "ftp://gateway.example", "localhost:8000"])
def test_an_address_that_is_no_http_address_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match=f"must begin with http.*{url}"):
        load_settings({"GROQ_API_KEY": KEY, "GROQ_BASE_URL": url})


def test_the_key_is_in_no_printed_settings() -> None:
    assert KEY not in repr(Settings(api_key=KEY)) and KEY not in str(Settings(api_key=KEY))
