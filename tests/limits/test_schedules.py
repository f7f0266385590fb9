"""No schedule that the books allow exceeds the provider's bucket, however the way delays it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ketl.provider.books import GUARD_S, LaneBooks
from ketl.provider.limits import Limits
from tests.limits.reference import Asked, ServerBucket, Trial

lateness = st.floats(0, GUARD_S) | st.sampled_from([0.0, GUARD_S])
gaps = st.sampled_from([0.0, 0.0, 0.0, 0.001, 0.5, 7.0, 61.0])


def asked(most_tokens: int) -> st.SearchStrategy[list[Asked]]:
    @st.composite
    def one(draw: st.DrawFn) -> Asked:
        prompt = draw(st.integers(1, max(1, most_tokens // 2)))
        ceiling = draw(st.integers(1, max(1, most_tokens - prompt)))
        return Asked(
            prompt,
            ceiling,
            completion=draw(st.integers(0, ceiling)),
            gap_s=draw(gaps),
            there_s=draw(lateness),
            service_s=draw(st.floats(0.05, 3)),
            back_s=draw(lateness),
        )

    return st.lists(one(), min_size=1, max_size=40)


@st.composite
def trials(draw: st.DrawFn, *, settles: bool = False, headers: bool = False) -> tuple[Trial, list[Asked]]:
    rpm = draw(st.sampled_from([6.0, 30.0, 600.0, 1000.0]))
    burst = draw(st.sampled_from([1.0, 2.0, 30.0, rpm]))
    tpm = float(draw(st.sampled_from([600, 8000, 250_000])))
    books = LaneBooks(Limits(rpm=rpm, rpm_burst=burst, tpm=tpm))
    trial = Trial(books, ServerBucket(burst, rpm / 60), ServerBucket(tpm, tpm / 60), settles=settles, headers=headers)
    return trial, draw(asked(int(tpm)))


@given(trials())
def test_no_schedule_exceeds_the_servers_buckets(made: tuple[Trial, list[Asked]]) -> None:
    trial, requests = made
    trial.run(requests)
    assert trial.refused == [] and len(trial.admitted) == len(requests)


@given(trials(settles=True))
def test_what_is_given_back_after_an_answer_is_never_spent_before_the_server_has_it(
    made: tuple[Trial, list[Asked]],
) -> None:
    trial, requests = made
    assert trial.run(requests).refused == []


@given(trials(settles=True, headers=True))
def test_correcting_the_books_by_headers_never_lets_more_than_the_server_has(
    made: tuple[Trial, list[Asked]],
) -> None:
    trial, requests = made
    assert trial.run(requests).refused == []


@given(trials(headers=True))
def test_headers_are_right_too_where_the_provider_gives_nothing_back(made: tuple[Trial, list[Asked]]) -> None:
    trial, requests = made
    assert trial.run(requests).refused == []


def test_the_schedule_is_as_short_as_the_bucket_arithmetic_allows() -> None:
    books = LaneBooks(Limits(rpm=600, rpm_burst=30))
    trial = Trial(books, ServerBucket(30, 10)).run([Asked(100, 50, 20) for _ in range(330)])
    assert trial.refused == []
    assert trial.admitted[29] == 1000.0
    assert trial.admitted[-1] - 1000.0 == pytest.approx((330 - 30) / 10, abs=2 * GUARD_S)
