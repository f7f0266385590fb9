"""A job survives being stored, and lengths of time are read as people write them."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.errors import SettingsError
from ketl.results.baseline import BaselineKind
from ketl.runs.durations import parse_length
from ketl.runs.job import Job, Mode, job_from_json, job_to_json

words = st.lists(st.text(st.characters(codec="utf-8"), max_size=6), max_size=3).map(tuple)
jobs = st.builds(
    Job,
    catalog=st.none() | st.just("data/räder.json"),
    products=words,
    languages=words,
    fields=words,
    mode=st.sampled_from(Mode),
    baseline=st.sampled_from(BaselineKind),
    pack=st.none() | st.integers(1, 48),
    plan=st.sampled_from(["auto", "free", "limits.json"]),
    memory=st.booleans(),
    glossary=st.none() | st.just("none"),
    profile=st.none() | st.just("amazon"),
    deadline_s=st.none() | st.floats(0.1, 1e5),
    max_cost_usd=st.none() | st.floats(0.001, 100),
    routes=st.dictionaries(st.sampled_from(["asian", "Spanish"]), st.just("openai/gpt-oss-20b")),
)


@given(jobs)
def test_a_job_stored_as_json_is_the_job_that_comes_back(job: Job) -> None:
    assert job_from_json(json.loads(json.dumps(job_to_json(job)))) == job


def test_a_job_stored_by_an_older_or_newer_version_is_still_read() -> None:
    job = job_from_json({"languages": ["es"], "written_by": "another version"})
    assert job == Job(languages=("es",))
    with pytest.raises(SettingsError, match="no mode “sideways”"):
        job_from_json({"languages": ["es"], "mode": "sideways"})


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("3m", 180), ("3 min", 180), ("1h30m", 5400), ("1h 30m 5s", 5405), ("1.5h", 5400),
     (" 0.5m ", 30), ("2H", 7200), ("7.5", 7.5)],
)  # fmt: skip
def test_a_length_of_time_is_read(text: str, seconds: float) -> None:
    assert parse_length(text) == seconds


@pytest.mark.parametrize("text", ["", " ", "0", "0m", "-3m", "soon", "3 parsecs", "3m3m", "m", "1e3", "1h30", "inf"])
def test_what_is_no_length_of_time_is_said_with_an_example(text: str) -> None:
    with pytest.raises(SettingsError, match=r"is no length of time. Write for example 90s, 3m or 1h30m"):
        parse_length(text)


@pytest.mark.parametrize("mode", Mode)
def test_a_comparison_never_reuses_earlier_translations(mode: Mode) -> None:
    assert Job(mode=mode).uses_memory == (mode is not Mode.COMPARE)
    assert not Job(mode=mode, memory=False).uses_memory


@pytest.mark.parametrize(
    "damage",
    [{"pack": "many"}, {"languages": 7}, {"routes": ["es"]}, {"catalog": 3}, {"plan": {}}, {"deadline_s": "soon"}],
)
def test_a_damaged_job_is_a_sentence(damage: dict[str, object]) -> None:
    with pytest.raises(SettingsError, match="cannot be read: another version wrote it, or it is damaged"):
        job_from_json(job_to_json(Job(languages=("es",))) | damage)
