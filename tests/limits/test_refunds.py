"""What a request reserved and did not use comes back, never more than was spent, and not where a provider keeps it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.errors import LimitReachedError
from ketl.provider.books import LaneBooks
from ketl.provider.bucket import Bucket
from ketl.provider.limits import Limits
from ketl.provider.protocol import LimitFacts
from ketl.provider.refunds import Refunds
from ketl.provider.token_factors import TokenFactors
from tests.limits.reference import ServerBucket

NOW = 5000.0


@pytest.mark.parametrize("amount", [1.0, 60.0, 1e6])
def test_a_refund_to_an_empty_bucket_buys_nothing(amount: float) -> None:
    bucket = Bucket(60, None, 60.0)
    bucket.spend(-amount, NOW)
    assert bucket.level(NOW) == 0.0
    assert bucket.delay(60, NOW) == 0.0 and math.isinf(bucket.delay(61, NOW))
    bucket.spend(60, NOW)
    assert bucket.delay(10, NOW) == pytest.approx(10.0)


def test_a_refund_beyond_what_was_spent_leaves_every_later_wait_as_an_exact_one_does() -> None:
    generous, exact = Bucket(60, None, 60.0), Bucket(60, None, 60.0)
    for bucket, refund in ((generous, 600.0), (exact, 60.0)):
        bucket.spend(60, NOW)
        bucket.spend(-refund, NOW)
        bucket.spend(59, NOW + 0.5)
    for later in (0.0, 0.01, 0.02, 0.1, 5.0):
        at = NOW + 0.5 + later
        assert generous.level(at) == exact.level(at)
        assert generous.delay(1, at, 0.03) == exact.delay(1, at, 0.03)


@given(st.lists(st.floats(-5000, 5000), max_size=30), st.lists(st.floats(0, 30), min_size=30, max_size=30))
def test_no_order_of_spending_and_refunds_leaves_a_bucket_better_than_full(
    amounts: list[float], gaps: list[float]
) -> None:
    bucket, now = Bucket(8000, None, 60.0), NOW
    for amount, gap in zip(amounts, gaps, strict=False):
        now += gap
        bucket.spend(amount, now)
        assert bucket.level(now) >= 0.0
        before = bucket.delay(8000, now)
        assert before == pytest.approx(bucket.level(now) / bucket.rate, abs=1e-6)


def test_a_refund_larger_than_what_is_spent_gives_back_only_that() -> None:
    books = LaneBooks(Limits(tpm=6000))
    charge = books.charge(100, 3000, NOW)
    # Twenty seconds later 2,000 of it have run off by themselves, and 2,900 come back.
    books.settle(charge, 100, 100, NOW + 20)
    assert books.levels(NOW + 20)["TPM"] == 0.0
    books.charge(1000, 5000, NOW + 20)
    assert books.delay(50, 50, NOW + 20)[0] >= 1.0


@pytest.mark.parametrize(
    ("real", "level"), [(480, 480 + 220), (500, 500 + 220), (650, 650 + 220)], ids=["fewer", "as booked", "more"]
)
def test_a_prompt_is_booked_with_what_it_really_took(real: int, level: float) -> None:
    books = LaneBooks(Limits(tpm=8000, tpd=200_000))
    books.settle(books.charge(500, 3000, NOW), real, 220, NOW)
    assert books.levels(NOW) == {"TPM": level, "TPD": level}


def test_a_book_that_the_provider_corrected_holds_the_prompt_by_its_count() -> None:
    books = LaneBooks(Limits(tpm=2400))
    sent = books.charge(500, 1000, NOW)
    later = books.charge(400, 1000, NOW)
    said = LimitReachedError("limit", kind="TPM", limit=2400, used=1450, requested=1400, wait_s=450 / 40)
    books.refused(said, later, NOW)
    assert books.levels(NOW)["TPM"] == pytest.approx(1450)
    # These hold the prompt's true 450 already; only the completion that was not used comes back.
    books.settle(sent, 450, 200, NOW)
    assert books.levels(NOW)["TPM"] == pytest.approx(1450 - 800)


@pytest.mark.parametrize("ratio", [0.7, 1.0, 1.6])
def test_prompts_are_expected_as_they_were_seen(ratio: float) -> None:
    factors = TokenFactors()
    assert factors.prompt_mean == 1.0 and factors.prompt == 1.2  # an unknown vocabulary may take a fifth more
    for _ in range(20):
        factors.learn_prompt(1000, 1000 * ratio)
    assert factors.prompt_mean == pytest.approx(ratio)
    assert factors.prompt == pytest.approx(1.03 * ratio)


def test_one_odd_prompt_moves_what_is_expected_towards_it_and_no_further() -> None:
    factors = TokenFactors()
    for _ in range(10):
        factors.learn_prompt(1000, 1000)
    factors.learn_prompt(1000, 2100)
    assert factors.prompt_mean == pytest.approx(1.1)


def test_refunds_are_believed_until_four_signs_speak_against_them() -> None:
    refunds = Refunds()
    for _ in range(3):
        refunds.answered(behind=900, ceiling=1000)
        assert refunds.given
    refunds.answered(behind=900, ceiling=1000)
    assert not refunds.given


def test_signs_for_refunds_weigh_against_those_that_speak_against() -> None:
    refunds = Refunds()
    for _ in range(3):
        refunds.answered(behind=-5, ceiling=1000)
    for _ in range(6):
        refunds.answered(behind=900, ceiling=1000)
    assert refunds.given
    refunds.answered(behind=900, ceiling=1000)
    assert not refunds.given


@pytest.mark.parametrize("behind", [1.0, 400.0, 500.0])
def test_being_a_little_behind_is_no_sign(behind: float) -> None:
    refunds = Refunds()
    for _ in range(50):
        refunds.answered(behind=behind, ceiling=1000)
    assert refunds.given


@pytest.mark.parametrize(("behind", "given"), [(300, True), (401, True), (1999, True), (2001, False)], ids=str)
def test_a_refusal_far_above_the_book_is_proof_enough(behind: float, given: bool) -> None:
    refunds = Refunds()
    refunds.refused(behind, ceiling=1000, capacity=8000)
    assert refunds.given is given


def keeping(books: LaneBooks, server: ServerBucket, requests: int, *, headers: bool) -> list[float]:
    """Send requests that use a tenth of what they reserve to a server that keeps it all; return when it refused."""
    now, refused = NOW, []
    for _ in range(requests):
        while (wait_s := books.delay(100, 900, now)[0]) > 0:
            now += wait_s
        charge = books.charge(100, 900, now)
        if not server.admits(1000, now):
            refused.append(now)
            used = server.used(now)
            wait_s = (used + 1000 - server.capacity) / server.rate
            said = {"limit": server.capacity, "used": used, "requested": 1000, "wait_s": wait_s}
            books.refused(LimitReachedError("limit", kind="TPM", **said), charge, now)
            books.over(charge)
            continue
        now += 0.2
        books.over(charge)
        books.settle(charge, 100, 10, now)
        left = math.floor(server.capacity - server.used(now))
        facts = LimitFacts(limit_tokens=server.capacity, remaining_tokens=left) if headers else LimitFacts()
        books.observe(facts, charge, now)
    return refused


@pytest.mark.parametrize("headers", [True, False], ids=["by its headers", "by a refusal"])
def test_a_server_that_keeps_reservations_is_found_out(headers: bool) -> None:
    books, server = LaneBooks(Limits(tpm=20_000)), ServerBucket(20_000, 20_000 / 60)
    assert len(keeping(books, server, 60, headers=headers)) <= 1
    # What is not used is no longer taken back, without a header to say so.
    later = NOW + 10_000
    books.settle(books.charge(100, 900, later), 100, 10, later)
    assert books.levels(later)["TPM"] == 1000


def test_a_server_that_gives_back_is_believed_for_good() -> None:
    books, server, now = LaneBooks(Limits(tpm=20_000)), ServerBucket(20_000, 20_000 / 60), NOW
    for _ in range(60):
        now += books.delay(100, 900, now)[0]
        charge = books.charge(100, 900, now)
        assert server.admits(1000, now)
        now += 0.2
        server.give(890, now)
        books.over(charge)
        books.settle(charge, 100, 10, now)
        books.observe(
            LimitFacts(limit_tokens=20_000, remaining_tokens=math.floor(20_000 - server.used(now))), charge, now
        )
    later = NOW + 10_000
    books.settle(books.charge(100, 900, later), 100, 10, later)
    assert books.levels(later)["TPM"] == 110
