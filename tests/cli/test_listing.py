"""The commands that list and plan: plain columns for people, JSON for programs, and nothing is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ketl.checks import REGISTRY
from ketl.cli import build_parser, main
from ketl.language.languages import LANGUAGES
from ketl.provider.models import MODELS
from ketl.simulator import RunningSimulator


def listed(words: list[str], capsys: Any) -> Any:
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_languages_are_listed_as_they_are_in_the_table(capsys: Any) -> None:
    rows = listed(["languages"], capsys)
    assert [row["tag"] for row in rows] == [language.tag for language in LANGUAGES]
    assert rows[0] == {
        "name": "Spanish", "own_name": "Español", "tag": "es", "script": "Latn", "direction": "ltr",
        "group": "western", "model": "llama-3.3-70b-versatile",
    }  # fmt: skip
    assert main(["languages"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(LANGUAGES) + 1 and "Español" in lines[1]


def test_checks_and_fields_are_listed(capsys: Any) -> None:
    checks = listed(["checks"], capsys)
    assert {row["id"] for row in checks} == set(REGISTRY)
    assert all(row["label"] and row["severity"] in ("error", "warning", "info") for row in checks)
    assert [row["name"] for row in listed(["fields"], capsys)] == ["name", "features", "fabric", "details", "colors"]


@pytest.mark.usefixtures("keyed")
def test_models_say_which_of_them_live_for_this_key(simulator: RunningSimulator, capsys: Any) -> None:
    simulator.configure({"models": ["openai/gpt-oss-120b", "house/own"]})
    rows = {row["id"]: row for row in listed(["models"], capsys)}
    assert rows.keys() == MODELS.keys() | {"house/own"}
    assert rows["openai/gpt-oss-120b"]["available"] and not rows["qwen-2.5-32b"]["available"]
    assert rows["house/own"]["available"] and rows["house/own"]["prompt_usd_per_million"] is None
    assert rows["qwen-2.5-32b"]["retired_on"] == "2025-04-14"


def test_before_the_first_run_the_list_is_empty_and_says_how_to_begin(capsys: Any) -> None:
    assert listed(["runs"], capsys) == []
    assert main(["runs"]) == 0
    assert "python -m ketl translate" in capsys.readouterr().out


@pytest.mark.usefixtures("keyed")
def test_runs_are_listed_newest_first_with_times_and_counts(tmp_path: Path, capsys: Any) -> None:
    for product in ("1", "2"):
        words = ["--product", product, "--field", "name", "--language", "es", "--out", str(tmp_path / "t.csv")]
        assert main(["translate", *words]) == 0
    capsys.readouterr()
    newest, oldest = listed(["runs"], capsys)
    assert newest["started_at"] >= oldest["started_at"] and newest["run_id"] != oldest["run_id"]
    assert newest["status"] == "finished" and newest["engine"] == "groq" and newest["mode"] == "parallel"
    assert (newest["units"], newest["translated"], newest["failed"], newest["cancelled"]) == (1, 1, 0, 0)
    assert newest["finished_at"] >= newest["started_at"] and newest["makespan_s"] > 0


PLAN_KEYS = {
    *("engine", "products", "languages", "units", "segments", "requests", "tokens", "cost_usd", "predicted_s"),
    *("bound_s", "routes", "limit"),
}


@pytest.mark.usefixtures("keyed")
def test_a_plan_tells_everything_and_sends_nothing(simulator: RunningSimulator, capsys: Any) -> None:
    words = ["plan", "--language", "es", "--language", "ja", "--plan", "free"]
    made = listed(words, capsys)
    assert made.keys() >= PLAN_KEYS and made["engine"] == "groq"
    assert made["products"] == 24 and made["languages"] == 2 and made["units"] > made["segments"] > 200
    assert 0 < made["bound_s"] <= made["predicted_s"] and made["cost_usd"][0] <= made["cost_usd"][1]
    assert "retired" in made["routes"]["asian"]["reason"] or "qwen-2.5-32b" in made["routes"]["asian"]["models"]
    assert main(words) == 0
    said = capsys.readouterr().out
    for part in ("Requests", "Predicted time", "Shortest possible", "Cost", "western →", "asian →"):
        assert part in said
    assert simulator.stats()["requests"] == 0 and simulator.stats()["models"] == {}


def test_a_plan_needs_no_key_and_starts_no_server(capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*args: object, **more: object) -> None:
        raise AssertionError("a plan must not start a server")

    monkeypatch.setattr("ketl.runs.connection.start_simulator", never)
    made = listed(["plan", "--language", "all", "--pack", "1"], capsys)
    assert made["engine"] == "demo" and made["requests"] == made["segments"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--language", "Klingon"], "“Klingon” is not known"),
        (["--language", "es", "--product", "none"], "Product “none” is not in"),
        (["--language", "all", "--plan", "free", "--pack", "1", "--deadline", "1s"], "cannot finish in 1.0 s"),
        (["--language", "all", "--max-cost", "0.001"], "may cost more than $0.0010;"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(words: list[str], says: str, capsys: Any) -> None:
    assert main(["plan", *words]) == 2
    said = capsys.readouterr()
    assert says in said.err and said.out == "" and "Traceback" not in said.err


def test_nothing_to_translate_is_said(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "rows.json"
    path.write_text('[{"product_id": 1, "product_name": "Sock"}]')
    words = ["--catalog", str(path), "--field", "details", "--language", "es"]
    assert main(["plan", *words]) == 2
    assert "nothing to translate" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["dance"], ["translate", "--dance"], ["languages", "extra"]])
def test_a_command_that_does_not_exist_ends_with_2_and_the_usage(words: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2 and "usage:" in capsys.readouterr().err


def test_every_command_has_its_help(capsys: Any) -> None:
    for name in ("translate", "plan", "languages", "models", "runs", "checks", "fields", "doctor"):
        with pytest.raises(SystemExit) as stop:
            build_parser().parse_args([name, "--help"])
        assert stop.value.code == 0 and name in capsys.readouterr().out


def test_the_simulator_has_a_command_of_its_own(capsys: Any) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["simulator", "--help"])
    assert stop.value.code == 0 and "--port" in capsys.readouterr().out
