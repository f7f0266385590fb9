"""Claims: whatever happens, a segment has at most one live owner, and one that nobody holds can be had."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import update

from ketl.store import claims as module
from ketl.store.claims import LEASE_S, ClaimKey, KeptClaims
from ketl.store.store import Store
from ketl.store.tables import CLAIMS
from tests.store.conftest import Clock

KEYS: list[ClaimKey] = [(bytes([n]) * 16, tag, "print") for n in range(3) for tag in ("es", "ja")]
RUNS = ("first", "second", "third")


def claims(store: Store, owner: str) -> KeptClaims:
    return KeptClaims(store.database, owner)


def test_what_one_has_another_does_not_get_until_it_is_dropped(store: Store) -> None:
    one, other = claims(store, "elsewhere|1|"), claims(store, "elsewhere|2|")
    assert one.take("groq", "first", KEYS[:4]) == set(KEYS[:4])
    assert other.take("groq", "second", KEYS[2:]) == set(KEYS[4:])
    assert other.held("groq", KEYS) == set(KEYS)
    other.drop("groq", "second", KEYS)
    assert other.held("groq", KEYS) == set(KEYS[:4])
    one.drop_all("first")
    assert other.take("groq", "second", KEYS) == set(KEYS)


def test_another_engine_and_another_prompt_are_other_claims(store: Store) -> None:
    one, other = claims(store, "elsewhere|1|"), claims(store, "elsewhere|2|")
    one.take("groq", "first", KEYS)
    changed = [(key, tag, "changed") for key, tag, _ in KEYS]
    assert other.take("demo", "second", KEYS) == set(KEYS)
    assert other.take("groq", "second", changed) == set(changed)
    assert other.held("groq", changed) == set(changed)


def test_any_number_of_segments_is_claimed(store: Store) -> None:
    many = [(n.to_bytes(16, "big"), "es", "print") for n in range(1_234)]
    one, other = claims(store, "elsewhere|1|"), claims(store, "elsewhere|2|")
    assert one.take("groq", "first", many[:1000]) == set(many[:1000])
    assert other.take("groq", "second", many) == set(many[1000:])


def test_a_claim_expires_unless_it_is_renewed(store: Store, clock: Clock) -> None:
    one, other = claims(store, "elsewhere|1|"), claims(store, "elsewhere|2|")
    one.take("groq", "first", KEYS[:1])
    one.take("groq", "gone", KEYS[1:2])
    pass_time(store, clock, LEASE_S - 1)
    one.renew("first")
    pass_time(store, clock, 2)
    assert other.held("groq", KEYS) == set(KEYS[:1])
    assert other.take("groq", "second", KEYS[:2]) == set(KEYS[1:2])
    # The old owner wakes up: nothing of the new one's is renewed or dropped.
    pass_time(store, clock, LEASE_S - 1)
    one.renew("gone")
    one.drop_all("gone")
    assert other.held("groq", KEYS) == set(KEYS[1:2])


def test_what_an_ended_process_held_is_free_at_once_and_a_resumed_run_takes_it_as_its_own(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "is_alive", lambda owner, age: owner != "here|1|")
    dead, other = claims(store, "here|1|"), claims(store, "here|2|")
    dead.take("groq", "first", KEYS)
    assert other.take("groq", "first", KEYS[:2]) == set(KEYS[:2])
    dead.take("groq", "another", KEYS)
    assert other.held("groq", KEYS) == set(KEYS[:2])
    assert other.take("groq", "second", KEYS) == set(KEYS[2:])


def pass_time(store: Store, clock: Clock, seconds: float) -> None:
    """Move the clock; where it is the database's own, the claims age instead."""
    clock.now += seconds
    if not store.database.is_sqlite:
        with store.database.transaction() as connection:
            connection.execute(update(CLAIMS).values(expires_at=CLAIMS.c.expires_at - seconds))


@contextmanager
def alive(living: set[str]) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "is_alive", lambda owner, age: owner in living)
        yield


class Processes(RuleBasedStateMachine):
    """Three processes with a run each take, renew, drop, die and wait, in any order, while time passes."""

    runs = st.sampled_from(RUNS)
    some = st.lists(st.sampled_from(KEYS), min_size=1, unique=True)

    @initialize()
    def begin(self) -> None:
        self.clock = Clock()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(f"sqlite:///{Path(self.folder.name) / 'ketl.sqlite3'}", clock=self.clock)
        self.claims = {run: claims(self.store, f"process of {run}") for run in RUNS}
        self.living = {f"process of {run}" for run in RUNS}
        # What each run believes to have, with the moment at which that ends.
        self.has: dict[str, dict[ClaimKey, float]] = {run: {} for run in RUNS}

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    def owners(self, key: ClaimKey) -> list[str]:
        return [run for run in RUNS if self.has[run].get(key, 0.0) > self.clock.now]

    def lives(self, run: str) -> bool:
        return f"process of {run}" in self.living

    @rule(run=runs, keys=some)
    def take(self, run: str, keys: list[ClaimKey]) -> None:
        if not self.lives(run):
            return
        free_or_own = {key for key in keys if self.owners(key) in ([], [run])}
        got = self.claims[run].take("groq", run, keys)
        assert got == free_or_own
        for key in got:
            if run not in self.owners(key):
                self.has[run][key] = self.clock.now + LEASE_S

    @rule(run=runs, keys=some)
    def drop(self, run: str, keys: list[ClaimKey]) -> None:
        if self.lives(run):
            self.claims[run].drop("groq", run, keys)
            for key in keys:
                self.has[run].pop(key, None)

    @rule(run=runs)
    def end(self, run: str) -> None:
        if self.lives(run):
            self.claims[run].drop_all(run)
            self.has[run].clear()

    @rule(run=runs)
    def renew(self, run: str) -> None:
        if self.lives(run):
            self.claims[run].renew(run)
            for key, until in self.has[run].items():
                if until > self.clock.now:
                    self.has[run][key] = self.clock.now + LEASE_S

    @rule(run=runs)
    def die(self, run: str) -> None:
        """Killed: claims stay in the table until someone who waits notices."""
        if len(self.living) > 1:
            self.living.discard(f"process of {run}")

    @rule(seconds=st.sampled_from([1.0, LEASE_S / 2, LEASE_S]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(keys=some)
    def all_who_live_and_wait_look(self, keys: list[ClaimKey]) -> None:
        with alive(self.living):
            for run in filter(self.lives, RUNS):
                for dead in RUNS:
                    # One look at one of its claims frees all that a dead process had.
                    if not self.lives(dead) and any(dead in self.owners(key) for key in keys):
                        self.has[dead].clear()
                held = self.claims[run].held("groq", keys)
                assert held == {key for key in keys if self.owners(key)}
                self.take(run, [key for key in keys if key not in held])
        # Nobody waits for ever: each of these segments has exactly one owner now, and it lives.
        assert all(len(self.owners(key)) == 1 and self.lives(self.owners(key)[0]) for key in keys)

    @invariant()
    def one_owner_at_most(self) -> None:
        if hasattr(self, "has"):
            assert all(len(self.owners(key)) <= 1 for key in KEYS)


TestProcesses: Any = Processes.TestCase
TestProcesses.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
