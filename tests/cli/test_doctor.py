"""The doctor: a line for everything that a run needs, and the survey of a provider that may be any."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import sys
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.cli import main
from ketl.provider.models import MODELS
from ketl.provider.protocol import RawAnswer
from ketl.runs.live_facts import fact_of
from ketl.simulator import RunningSimulator
from tests.runs.strange_provider import Answer, provider

ORGANIZATION = "org_01hxyz0123456789abcdefghij"
DAY, MINUTE = "x-ratelimit-limit-requests", "x-ratelimit-limit-tokens"


def lines(capsys: Any, status: int = 0) -> dict[str, dict[str, str]]:
    assert main(["doctor", "--json"]) == status
    return {line["name"]: line for line in json.loads(capsys.readouterr().out)["lines"]}


def survey(capsys: Any, status: int = 0) -> tuple[dict[str, Any], list[str]]:
    assert main(["doctor", "--live", "--yes", "--json"]) == status
    said = capsys.readouterr()
    assert "at most by our price table" in said.err
    found = json.loads(said.out)
    return found, [row["said"] for row in found["differences"]]


def test_without_a_key_and_a_network_everything_is_well_and_says_demo(capsys: Any) -> None:
    found = lines(capsys)
    assert {line["state"] for line in found.values()} == {"ok"}
    assert {"key", "address", "models", "limits", "database", "disk, data folder", "clock", "proxy", "demo server"} < {
        *found
    }
    assert "demo" in found["key"]["said"] and "no network is needed" in found["models"]["said"]
    assert "0 runs" in found["database"]["said"]
    assert main(["doctor"]) == 0
    assert all(line.startswith("ok ") for line in capsys.readouterr().out.splitlines())


def test_with_a_key_the_provider_is_asked_and_the_key_is_never_shown(keyed: str, capsys: Any) -> None:
    found = lines(capsys)
    assert found["key"]["said"] == "GROQ_API_KEY is set." and found["models"]["state"] == "ok"
    assert "asian → qwen-2.5-32b" in found["models"]["said"] and "Not learned yet" in found["limits"]["said"]
    assert main(["translate", "--product", "1", "--language", "es", "--out", os.environ["KETL_HOME"] + "/a.csv"]) == 0
    capsys.readouterr()
    found = lines(capsys)
    assert "TPM 250,000" in found["limits"]["said"] and "1 run;" in found["database"]["said"]
    assert keyed[4:12] not in json.dumps(found)


def test_a_refused_key_is_broken_and_says_what_to_do(keyed: str, simulator: RunningSimulator, capsys: Any) -> None:
    simulator.configure({"keys": ["another"]})
    found = lines(capsys, status=1)
    assert found["models"]["state"] == "broken" and "GROQ_API_KEY" in found["models"]["todo"]
    assert main(["doctor", "--live", "--yes"]) == 2
    assert "refused the API key" in capsys.readouterr().err


def test_nobody_there_is_broken_and_a_proxy_is_named_without_its_password(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    with provider(lambda *_: (200, {}, {})) as address:
        pass
    monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789")
    monkeypatch.setenv("GROQ_BASE_URL", address.replace("//", "//me:secret@"))
    monkeypatch.setenv("HTTPS_PROXY", "http://me:hidden@127.0.0.1:9")
    found = lines(capsys, status=1)
    assert found["models"]["state"] == "broken" and "NO_PROXY" in found["models"]["todo"]
    assert "HTTPS_PROXY" in found["proxy"]["said"]
    assert "hidden" not in json.dumps(found) and "secret" not in json.dumps(found)


@pytest.mark.parametrize(
    ("name", "value", "line", "state"),
    [
        ("GROQ_API_KEY", "gsk_with a space", "key", "broken"),
        ("GROQ_BASE_URL", "http://gateway.example", "address", "look at this"),
        ("KETL_DATABASE_URL", "mysql://somewhere/else", "database", "broken"),
    ],
)
def test_a_wrong_setting_has_its_line(
    name: str, value: str, line: str, state: str, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv(name, value)
    found = lines(capsys, status=int(state == "broken"))
    assert found[line]["state"] == state
    assert [other["name"] for other in found.values() if other["state"] != "ok"] == [line]


def test_a_database_that_is_none_and_one_that_only_reads_are_broken(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    home.mkdir()
    (home / "ketl.sqlite3").write_bytes(b"this is no database at all" * 100)
    assert lines(capsys, status=1)["database"]["state"] == "broken"
    (home / "ketl.sqlite3").unlink()
    assert lines(capsys)["database"]["state"] == "ok"
    with sqlite3.connect(home / "ketl.sqlite3") as connection:
        connection.execute("CREATE TRIGGER shut BEFORE INSERT ON settings BEGIN SELECT RAISE(ABORT, 'shut'); END")
    assert "shut" in lines(capsys, status=1)["database"]["said"]


@pytest.mark.parametrize(("free", "state"), [(10**6, "broken"), (2 * 10**8, "look at this"), (10**12, "ok")])
def test_a_full_disk_is_said(free: int, state: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10**13, 0, free))
    found = lines(capsys, status=int(state == "broken"))
    assert found["disk, data folder"]["state"] == found["disk, temporary files"]["state"] == state


def test_a_clock_that_is_off_is_said(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    rows = {"data": [{"id": "openai/gpt-oss-120b"}]}
    date = {"Date": "Sat, 01 Jan 2000 00:00:00 GMT"}
    with provider(lambda *_: (200, date, rows)) as address:
        monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789")
        monkeypatch.setenv("GROQ_BASE_URL", address)
        found = lines(capsys)
    assert found["clock"]["state"] == "look at this" and "ahead of the provider's" in found["clock"]["said"]
    assert found["models"]["state"] == "look at this" and "not offered" in found["models"]["said"]


def test_live_without_a_key_or_without_anybody_to_ask_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert main(["doctor", "--live"]) == 2
    assert "Set GROQ_API_KEY" in capsys.readouterr().err
    assert main(["doctor", "--yes"]) == 2
    assert "--live" in capsys.readouterr().err


def test_nothing_is_asked_before_the_price_is_agreed_to(
    keyed: str, simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    assert main(["doctor", "--live"]) == 2
    assert "--yes" in capsys.readouterr().err
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys.stdin, "readline", lambda: "n\n", raising=False)
    assert main(["doctor", "--live"]) == 0
    said = capsys.readouterr()
    assert "26 questions" in said.err and "$0.00" in said.err and said.out == ""
    assert simulator.stats()["requests"] == 0


@pytest.mark.parametrize("plan", ["developer", "free"])
def test_a_survey_of_the_local_server_finds_no_difference(
    plan: str, keyed: str, simulator: RunningSimulator, capsys: Any
) -> None:
    simulator.configure({"keys": [keyed], "plan": plan})
    found, differences = survey(capsys)
    assert differences == []
    assert found["price_usd"] < 0.01 and set(found["plans"].values()) == {plan}
    asked = {fact["name"]: fact for fact in found["facts"]}
    assert ("beyond the minute" in asked) is (plan == "free")
    assert asked["unknown model"]["read_as"] == "ModelGoneError" and asked["bad key"]["status"] == 401
    assert keyed not in json.dumps(found) and "org_" not in json.dumps(found)
    assert main(["doctor", "--live", "--yes"]) == 0
    said = capsys.readouterr().out
    assert "0 differences" in said and "limit-tokens" in said and keyed not in said


def another(method: str, path: str, body: Any, key: str) -> Answer:
    """Answer as a provider might that has changed: other models, prices, limits, words, and no strict schemas."""
    if path == "/openai/v1/models":
        row = {"id": "openai/gpt-oss-120b", "context_window": 131_072, "max_completion_tokens": 32_768}
        price = {"prompt": "0.0000002", "completion": "0.0000006"}
        small = {"id": "meta-llama/llama-prompt-guard-2", "context_window": 512}
        new = {"id": "house/new-90b", "context_window": 200_000, "pricing": price}
        return 200, {}, {"data": [{**row, "pricing": price, "supported_features": ["json_mode"]}, small, new, "odd"]}
    if method == "GET":
        return 404, {}, {"error": {"message": "nothing here", "type": "invalid_request_error", "code": "unknown_url"}}
    if key.startswith("gsk_000"):
        return 403, {}, {"error": {"message": f"who are you, {key} of {ORGANIZATION} and proj_01abcdefgh?"}}
    if body["model"] == "ketl/no-such-model":
        return 400, {}, {"error": {"message": "no such thing", "type": "client", "code": "nope"}}
    if body["messages"][-1]["content"].count("sock ") > 512:
        return 413, {}, {"error": {"message": "too long", "code": "context_length_exceeded"}}
    if body.get("response_format", {}).get("type") == "json_schema":
        return 400, {}, {"error": {"message": "`json_schema` is not supported", "type": "invalid_request_error"}}
    if body.get("reasoning_effort") == "ketl":
        return 400, {}, {"error": "a plain word"}
    content = "Calcetín" if "response_format" in body else '{"a": "Calcetín"}'
    usage = {"prompt_tokens": 60, "completion_tokens": 9, "total_tokens": 69}
    choice = {"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}
    return 200, {DAY: "14400", MINUTE: "6000", "x-request-id": "req_0123456789"}, {"choices": [choice], "usage": usage}


def test_a_survey_of_another_provider_names_every_place(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    with provider(another) as address:
        monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789")
        monkeypatch.setenv("GROQ_BASE_URL", address)
        found, differences = survey(capsys)
        assert main(["doctor", "--live", "--yes"]) == 0
        shown = capsys.readouterr().out
    together = "\n".join(differences)
    for part in (
        "openai/gpt-oss-20b: not listed",
        "house/new-90b: listed, context 200,000",
        "openai/gpt-oss-120b, longest completion in tokens: 32,768; our table: 65,536",
        "US dollars a million prompt tokens: 0.2; our table: 0.15",
        "openai/gpt-oss-120b, limits (requests a day, tokens a minute): 14400, 6000; our table: free 1,000, 8,000",
        "openai/gpt-oss-120b, strict schemas: 400, RefusedError response_format",
        "openai/gpt-oss-120b, JSON mode: taken and not kept",
        "openai/gpt-oss-120b, reasoning: can be switched off (none)",
        "unknown model, status: 400, RefusedError nope: nope – no such thing; the local server: 404",
        "bad key, status: 403",
        "files, batches, status: 404",
        "fields of the usage",
        "ceiling too large, status: 200; the local server: 400",
    ):
        assert part in together, part
        assert part in shown, part
    assert "text too long: 413" in shown
    for secret in ("gsk_", ORGANIZATION, "proj_01", "req_0123456789", "127.0.0.1"):
        assert secret not in json.dumps(found) and secret not in shown


def test_a_gateway_with_a_hundred_models_of_its_own_is_asked_about_one_and_not_listed_in_full(
    monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    rows = {"data": [{"id": f"house/model-{number}"} for number in range(100)]}

    def gateway(method: str, path: str, body: Any, key: str) -> Answer:
        return (200, {}, rows) if method == "GET" else another(method, path, body, key)

    with provider(gateway) as address:
        monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789")
        monkeypatch.setenv("GROQ_BASE_URL", address)
        found, differences = survey(capsys)
    assert list(found["plans"]) == ["house/model-0"] and found["price_usd"] < 0.01
    assert any("100 more" in said for said in differences) and max(map(len, differences)) < 500
    assert len([said for said in differences if "house/model" in said]) < 12


@pytest.mark.parametrize(
    "answer",
    [
        (200, {}, b"<html>hello</html>"),
        (200, {}, []),
        (200, {}, {"data": [{"id": "openai/gpt-oss-20b", "context_window": "many", "pricing": []}], "choices": "no"}),
        (200, {DAY: "∞".encode().decode("latin-1"), MINUTE: "-1"}, {"data": None, "choices": [{"message": 7}]}),
        (302, {"Location": "http://elsewhere.example/"}, b""),
        (500, {}, b""),
        (503, {"retry-after": "1e9"}, {"error": {"message": "x" * 100_000}}),
    ],
)
def test_whatever_a_provider_answers_the_survey_ends_with_words(
    answer: Answer, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    with provider(lambda *_: answer) as address:
        monkeypatch.setenv("GROQ_API_KEY", "gsk_0123456789")
        monkeypatch.setenv("GROQ_BASE_URL", address)
        found, differences = survey(capsys)
    assert differences and len(json.dumps(found)) < 200_000


NAMES = st.sampled_from(["error", "choices", "message", "content", "usage", "code", "completion_tokens_details", "x"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


@given(body=JSON, status=st.integers(100, 599))
def test_a_fact_can_be_made_of_any_answer(body: Any, status: int) -> None:
    fact = fact_of("a name", "anything", RawAnswer(status=status, headers={}, body=body, read_as=None))
    assert json.dumps([fact.status, dict(fact.told), dict(fact.error), fact.usage, fact.message])


def test_the_survey_asks_of_every_model_of_the_table_that_lives(
    keyed: str, simulator: RunningSimulator, capsys: Any
) -> None:
    simulator.configure({"keys": [keyed]})
    found, _ = survey(capsys)
    assert set(found["plans"]) == set(MODELS)
    assert simulator.stats()["requests"] <= 4 * len(MODELS) + 8
