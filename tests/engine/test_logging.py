"""What the engine logs: every line names its run and request, faults of ours keep their traceback, no text is in it."""

from __future__ import annotations

import logging
import re

import pytest

from ketl.engine import attempts
from ketl.errors import LimitReachedError, ModelGoneError, ProviderError
from ketl.prompts.judging import Judge
from ketl.provider.limits import Limits
from tests.fakes import SUCCESSOR, WESTERN, FakeProvider, lanes_for, products, selection, translate, translated

LINE = re.compile(r"run (\S+) request (\d+|-)")


def logged(caplog: pytest.LogCaptureFixture, level: int = logging.WARNING) -> list[str]:
    """Return the engine's lines from this level on, each checked to name a run and a request."""
    lines = [r.getMessage() for r in caplog.records if r.name.startswith("ketl.engine") and r.levelno >= level]
    assert all(LINE.match(line) for line in lines)
    return lines


def test_each_attempt_begins_and_ends_with_its_run_request_model_and_seconds(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "ketl"):
        result = translate(FakeProvider(), selection(products(1), "es"))
    lines = logged(caplog, logging.DEBUG)
    run_id = result.run_id
    for number in (1, 2, 3):
        assert f"run {run_id} request {number} begins: first attempt at {WESTERN}, 1 texts" in lines
        assert f"run {run_id} request {number} ends: 200 from {WESTERN} after 0.500 s" in lines
    assert "Summit" not in caplog.text


def test_a_run_in_which_all_goes_well_says_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ketl"):
        translate(FakeProvider(), selection(products(3), "es"))
    assert logged(caplog, logging.INFO) == []


def test_a_fault_of_ours_keeps_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def answer(call, user, number):
        if number == 1:
            raise LookupError("a fault of ours")
        return translated(user)

    report = translate(FakeProvider(answer), selection(products(1), "es")).report
    assert (report["translated"], report["failed"]) == (2, 1)
    [line] = logged(caplog)
    assert "could not be sent" in line
    assert "in answer" in caplog.text and "LookupError: (its words are kept back above DEBUG)" in caplog.text


def test_an_end_that_cannot_be_taken_in_fails_one_request_and_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = attempts.parse_reply
    seen: list[str] = []

    def parse(content, keys, reason):
        seen.append(content)
        return read(None if len(seen) == 2 else content, keys, reason)

    monkeypatch.setattr(attempts, "parse_reply", parse)
    report = translate(FakeProvider(), selection(products(1), "es")).report
    assert (report["translated"], report["failed"]) == (2, 1)
    [line] = logged(caplog)
    assert "its end could not be taken in" in line and "Traceback" in caplog.text


def test_a_check_that_stumbles_costs_one_text_and_is_told(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge.grade

    def stumbling(self, item, answer):
        if "pockets" in item.segment.source:
            raise ZeroDivisionError
        return judge(self, item, answer)

    monkeypatch.setattr(Judge, "grade", stumbling)
    report = translate(FakeProvider(), selection(products(1), "es", pack=3)).report
    assert (report["translated"], report["failed"]) == (2, 1)
    [line] = logged(caplog)
    assert "a check failed on one text" in line and "ZeroDivisionError" in caplog.text


def test_a_fault_in_admission_stops_every_run_with_a_reason(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes = lanes_for(provider := FakeProvider())
    monkeypatch.setattr(lanes[WESTERN], "open_at", None)
    report = translate(provider, selection(products(1), "es"), lanes).report
    assert report["status"] == "cancelled" and "internal error (TypeError)" in report["reason"]
    [line] = logged(caplog)
    assert "the run stops" in line and "Traceback" in caplog.text


def test_a_refusal_warns_when_it_teaches_and_not_again(caplog: pytest.LogCaptureFixture) -> None:
    def answer(call, user, number):
        if number in (3, 4, 6):
            return LimitReachedError("limit", kind="RPM", limit=600, used=600, requested=1, wait_s=0.1)
        return translated(user)

    provider = FakeProvider(answer, models=(WESTERN,))
    report = translate(provider, selection(products(6), "es"), lanes_for(provider)).report
    assert report["translated"] == 18 and report["refusals"] == 3
    [line] = logged(caplog)
    assert line.endswith(f"a refusal of {WESTERN} told its limit, RPM 600")


def test_a_model_that_is_gone_and_a_spent_day_are_told_once(caplog: pytest.LogCaptureFixture) -> None:
    def answer(call, user, number):
        return ModelGoneError(f"The model {WESTERN} is not available.") if call.model == WESTERN else translated(user)

    provider = FakeProvider(answer, models=(WESTERN, SUCCESSOR))
    lanes = lanes_for(provider)
    lanes[SUCCESSOR].books.adopt(Limits(rpd=4), auto=False)
    translate(provider, selection(products(3), "es"), lanes)
    gone, spent = logged(caplog)
    assert gone.endswith(f"{WESTERN} is gone: The model {WESTERN} is not available.")
    assert f"the RPD limit of {SUCCESSOR} is spent for" in spent


def test_a_lane_that_closes_is_told(caplog: pytest.LogCaptureFixture) -> None:
    def answer(call, user, number):
        return ProviderError("down", status=503) if number < 12 else translated(user)

    provider = FakeProvider(answer, models=(WESTERN,))
    report = translate(provider, selection(products(3), "es")).report
    assert report["translated"] == 9
    line = logged(caplog)[0]
    assert f"{WESTERN} failed again and again, so it is left alone for 1.0 s" in line
