"""The books learn from headers, refusals and usage exactly what these say, on a clock that the test sets."""

from __future__ import annotations

import math
from typing import Any

import pytest

from ketl.errors import LimitReachedError
from ketl.provider.books import GUARD_S, LaneBooks
from ketl.provider.bucket import MAX_GUARD_S
from ketl.provider.limits import UNLIMITED, Limits
from ketl.provider.protocol import LimitFacts
from ketl.provider.tiers import DEVELOPER, FREE

NOW = 5000.0


def refusal(kind: str | None, **facts: Any) -> LimitReachedError:
    return LimitReachedError("limit", kind=kind, **facts)


def delay(books: LaneBooks, prompt: float = 100, ceiling: float = 50, now: float = NOW) -> float:
    return books.delay(prompt, ceiling, now)[0]


def test_a_fresh_bucket_may_be_spent_at_once_and_then_refills_continuously() -> None:
    books = LaneBooks(Limits(rpm=30))
    for _ in range(30):
        assert delay(books) <= GUARD_S
        books.charge(100, 50, NOW)
    assert books.delay(100, 50, NOW) == (pytest.approx(2.0, abs=2 * GUARD_S), "RPM")
    assert delay(books, now=NOW + 3.0) == 0.0
    assert delay(books, now=NOW + 60.0) == 0.0


@pytest.mark.parametrize(
    ("limits", "kind", "wait_s"),
    [
        (Limits(rpm=600, tpm=6000), "TPM", 1.5),
        (Limits(rpm=6, rpm_burst=1, tpm=60_000), "RPM", 10.0),
        (Limits(rpd=1, tpm=60_000), "RPD", 86_400.0),
        (Limits(tpd=200, tpm=60_000), "TPD", 43_200.0),
        (Limits(otpm=90, tpm=60_000), "OTPM", 6 + 2 / 3),
    ],
    ids=lambda v: v if isinstance(v, str) else "",
)
def test_the_scarcest_limit_names_itself_and_its_wait(limits: Limits, kind: str, wait_s: float) -> None:
    books = LaneBooks(limits)
    while delay(books) == 0.0:
        books.charge(100, 50, NOW)
    waited, said = books.delay(100, 50, NOW)
    assert said == kind and waited == pytest.approx(wait_s, abs=0.1, rel=0.001)


def test_a_request_larger_than_the_limit_can_never_go() -> None:
    assert math.isinf(delay(LaneBooks(Limits(tpm=8000)), 7000, 1500))
    assert math.isinf(delay(LaneBooks(Limits(otpm=1000)), 10, 1329))
    assert delay(LaneBooks(Limits(tpm=8000)), 7000, 1000) == 0.0


def test_without_limits_nothing_waits() -> None:
    books = LaneBooks(UNLIMITED)
    for _ in range(1000):
        books.charge(1e6, 1e6, NOW)
    assert books.delay(1e9, 1e9, NOW) == (0.0, "")


def test_what_an_answer_did_not_use_is_given_back() -> None:
    books = LaneBooks(Limits(tpm=8000, tpd=200_000, otpm=4000))
    charge = books.charge(500, 3000, NOW)
    books.settle(charge, 480, 220, NOW)
    assert books.levels(NOW) == {"TPM": 700, "TPD": 700, "OTPM": 220}


def test_an_answer_without_usage_leaves_the_charge_standing() -> None:
    books = LaneBooks(Limits(tpm=8000))
    charge = books.charge(500, 3000, NOW)
    books.settle(charge, None, 220, NOW)
    assert books.levels(NOW) == {"TPM": 3500}


def test_a_request_that_never_arrived_is_given_back_whole() -> None:
    books = LaneBooks(Limits(rpm=30, tpm=8000, rpd=1000))
    books.give_back(books.charge(500, 3000, NOW), NOW)
    assert books.levels(NOW) == {"RPM": 0, "TPM": 0, "RPD": 0}


@pytest.mark.parametrize(
    ("kind", "limit", "used", "requested", "wait_s"),
    [
        ("TPM", 12_000, 4437, 9854, 11.455),
        ("TPM", 12_000, 2542, 9855, 1.985),
        ("TPD", 100_000, 97_050, 3619, 578.016),
        ("RPM", 30, 30, 1, 2.0),
        ("OTPM", 1000, 800, 400, 12.0),
    ],
)
def test_the_arithmetic_of_a_refusal_is_learned_exactly(
    kind: str, limit: float, used: float, requested: float, wait_s: float
) -> None:
    books = LaneBooks(UNLIMITED)
    prompt = 0 if kind == "OTPM" else requested - 100
    ceiling = requested if kind == "OTPM" else 100
    charge = books.charge(prompt, ceiling, NOW)
    books.refused(refusal(kind, limit=limit, used=used, requested=requested, wait_s=wait_s), charge, NOW)
    assert books.levels(NOW)[kind] == pytest.approx(used)
    waited, said = books.delay(prompt, ceiling, NOW)
    assert said == kind and waited == pytest.approx(wait_s, abs=2 * MAX_GUARD_S * 0.06 + 0.01)
    assert getattr(books.limits, kind.lower()) == limit


def test_a_burst_smaller_than_the_minute_is_solved_from_the_wait() -> None:
    # 600 a minute, 30 at once: with 30 used the provider asks to wait (30 + 1 - 30) / 10.
    books = LaneBooks(UNLIMITED)
    books.refused(refusal("RPM", limit=600, used=30, requested=1, wait_s=0.1), books.charge(9, 9, NOW), NOW)
    assert books.limits.rpm == 600 and books.limits.rpm_burst == pytest.approx(30)
    assert books.buckets["RPM"].capacity == pytest.approx(30) and books.buckets["RPM"].rate == 10


def test_a_refusal_without_figures_pauses_the_lane() -> None:
    books = LaneBooks(UNLIMITED)
    books.refused(refusal(None, wait_s=7.0), books.charge(9, 9, NOW), NOW)
    assert books.delay(9, 9, NOW) == (7.0, "PAUSE") and delay(books, now=NOW + 7.0) == 0.0
    books.refused(refusal("RPM"), books.charge(9, 9, NOW), NOW + 20)
    assert books.delay(9, 9, NOW + 20) == (1.0, "PAUSE")


def test_a_later_refusal_never_shortens_a_pause() -> None:
    books = LaneBooks(UNLIMITED)
    books.refused(refusal(None, wait_s=60.0), books.charge(9, 9, NOW), NOW)
    books.refused(refusal(None, wait_s=1.0), books.charge(9, 9, NOW), NOW)
    assert delay(books) == 60.0


def test_a_limit_on_prompts_is_kept_in_the_one_bucket_that_prompts_are_booked_in() -> None:
    books = LaneBooks(UNLIMITED)
    books.refused(refusal("ITPM", limit=6000, used=5900, requested=200, wait_s=1.0), books.charge(200, 50, NOW), NOW)
    assert books.limits.tpm == 6000 and books.levels(NOW)["TPM"] == 5900


def test_a_request_refused_as_too_large_teaches_the_limit_and_spends_nothing() -> None:
    books = LaneBooks(UNLIMITED)
    books.refused(refusal("TPM", limit=8000, requested=9500, too_large=True), books.charge(500, 9000, NOW), NOW)
    assert books.limits.tpm == 8000 and books.levels(NOW)["TPM"] == 0
    assert math.isinf(delay(books, 500, 9000)) and delay(books, 500, 5000) == 0.0


def test_being_refused_under_a_known_limit_widens_the_guard_up_to_its_cap() -> None:
    books = LaneBooks(Limits(rpm=600))
    guards = []
    for second in range(1, 20):
        sent = books.charge(9, 9, NOW + second)
        books.refused(refusal("RPM", limit=600, used=600, requested=1, wait_s=0.1), sent, NOW + second + 0.1)
        guards.append(books.guard_s)
    assert guards[:3] == [2 * GUARD_S, 4 * GUARD_S, 8 * GUARD_S] and guards[-1] == MAX_GUARD_S


def test_requests_refused_together_are_one_lesson() -> None:
    books = LaneBooks(Limits(rpm=600))
    herd = [books.charge(9, 9, NOW) for _ in range(6)]
    for sent in herd:
        books.refused(refusal("RPM", limit=600, used=600, requested=1, wait_s=0.1), sent, NOW + 0.1)
    assert books.guard_s == 2 * GUARD_S
    assert books.levels(NOW + 0.1)["RPM"] == 600


def test_learning_a_limit_for_the_first_time_is_no_fault_of_the_guard() -> None:
    books = LaneBooks(FREE, auto=True)
    books.refused(refusal("OTPM", limit=1000, used=900, requested=300, wait_s=12), books.charge(9, 300, NOW), NOW)
    assert books.guard_s == GUARD_S and books.limits.otpm == 1000


def headers(tokens: float | None, left: float | None, requests: float | None = None, day: float | None = None):
    return LimitFacts(limit_tokens=tokens, remaining_tokens=left, limit_requests=requests, remaining_requests=day)


@pytest.mark.parametrize(
    ("facts", "limits"),
    [
        (headers(8000, 7900, 1000, 999), FREE),
        (headers(250_000, 249_900, 500_000, 499_999), DEVELOPER),
        (headers(250_000, 249_900, 14_400, 14_399), Limits(rpm=1000, tpm=250_000, rpd=14_400)),
        (headers(12_000, 11_900, 1000, 999), Limits(tpm=12_000, rpd=1000)),
        (LimitFacts(), UNLIMITED),
    ],
    ids=["free", "developer", "developer with another day", "unknown plan", "no headers at all"],
)
def test_the_auto_plan_follows_what_the_first_answer_says(facts: LimitFacts, limits: Limits) -> None:
    books = LaneBooks(FREE, auto=True)
    assert not books.proven
    books.observe(facts, books.charge(80, 20, NOW), NOW + 0.5)
    assert books.limits == limits and books.proven
    assert set(books.buckets) == {
        kind for kind, limit in
        {"RPM": limits.rpm, "TPM": limits.tpm, "RPD": limits.rpd, "TPD": limits.tpd}.items() if limit
    }  # fmt: skip


def test_a_plan_that_was_named_is_kept_whatever_headers_say() -> None:
    books = LaneBooks(FREE)
    books.observe(headers(250_000, 249_000, 500_000, 499_000), books.charge(80, 20, NOW), NOW + 0.5)
    assert books.limits == FREE and books.proven


def test_a_limit_learned_by_refusal_outlives_headers_that_do_not_show_it() -> None:
    books = LaneBooks(FREE, auto=True)
    books.refused(refusal("RPM", limit=60, used=60, requested=1, wait_s=1.0), books.charge(9, 9, NOW), NOW)
    books.observe(headers(12_000, 11_000, 1000, 999), books.charge(80, 20, NOW), NOW + 0.5)
    assert books.limits.rpm == 60 and books.buckets["RPM"].rate == 1.0


def test_headers_raise_a_book_that_is_too_low_as_far_as_is_certain() -> None:
    # Another process with the same key spent 5,000 tokens that these books never saw.
    books = LaneBooks(Limits(tpm=8000))
    charge = books.charge(80, 20, NOW)
    books.observe(headers(8000, 2900), charge, NOW + 0.6)
    assert books.levels(NOW + 0.6)["TPM"] == pytest.approx(5100 - 0.6 * 8000 / 60)


def test_headers_lower_a_book_that_is_too_high_but_not_below_what_is_on_its_way() -> None:
    books = LaneBooks(Limits(tpm=8000))
    charge = books.charge(80, 4000, NOW)
    books.charge(500, 1500, NOW)
    books.observe(headers(8000, 7900), charge, NOW)
    assert books.levels(NOW)["TPM"] == pytest.approx(100 + 2000)


def test_the_days_requests_follow_the_header_too() -> None:
    books = LaneBooks(Limits(rpd=1000))
    charge = books.charge(80, 20, NOW)
    books.observe(headers(None, None, 1000, 400), charge, NOW)
    assert books.levels(NOW)["RPD"] == pytest.approx(600)
    assert books.delay(80, 20, NOW)[0] == 0.0


def test_adopting_another_plan_keeps_what_is_spent() -> None:
    books = LaneBooks(FREE, auto=True)
    for _ in range(10):
        books.charge(100, 50, NOW)
    books.adopt(DEVELOPER, auto=False)
    assert books.levels(NOW)["RPM"] == 10 and books.levels(NOW)["TPM"] == 1500
    assert "TPD" not in books.buckets and books.proven and books.limits == DEVELOPER


def test_a_refusal_gives_its_own_charge_back_and_keeps_the_others() -> None:
    books = LaneBooks(Limits(tpm=8000, tpd=200_000))
    books.charge(500, 3000, NOW)
    refused = books.charge(500, 4000, NOW)
    books.refused(refusal("TPM", limit=8000, used=3500, requested=4600, wait_s=0.75), refused, NOW)
    assert books.levels(NOW) == {"TPM": 3500, "TPD": 3500}


def test_a_known_burst_survives_a_refusal_whose_figures_are_counted_against_the_whole_minute() -> None:
    # Limit 600 with 30 at once: this provider reports what is used as 570 + what stands in its bucket of 30.
    books = LaneBooks(Limits(rpm=600, rpm_burst=30))
    books.refused(refusal("RPM", limit=600, used=600, requested=1, wait_s=0.1), books.charge(9, 9, NOW), NOW)
    idle = NOW + 120
    sent = 0
    while delay(books, now=idle) == 0.0:
        books.charge(9, 9, idle)
        sent += 1
    assert sent <= 30
