"""Claims on segments that are being translated: one live owner each, among all processes of one database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, and_, delete, or_, update

from ketl._batches import batches
from ketl.store.database import BATCH, ROWS_A_STATEMENT, Database, Lookup
from ketl.store.journal import by_language
from ketl.store.owner import STALE_AFTER_S, is_alive, this_process
from ketl.store.tables import CLAIMS

ClaimKey = tuple[bytes, str, str]
"""Text key, language tag, and the fingerprint of everything else that shaped the prompt."""

LEASE_S = STALE_AFTER_S

_COLUMNS = ("engine", "key", "language_tag", "fingerprint", "owner", "run_id", "expires_at")


class KeptClaims:
    """The claims of one database. A claim holds for `LEASE_S` seconds unless it is renewed.

    It is a run's: runs of one process exclude each other, too. Every method raises RunError with a sentence when
    the database fails; then nothing of it was done.
    """

    def __init__(self, database: Database, owner: str | None = None) -> None:
        """`owner` is the mark of the process that claims, by default this one's (see `ketl.store.owner`)."""
        self._database = database
        self._owner = owner or this_process()
        put = database.insert(CLAIMS).on_conflict_do_nothing(index_elements=_COLUMNS[:4])
        self._put = database.insertion(put, _COLUMNS, keys=4)
        ours = [CLAIMS.c.engine, CLAIMS.c.language_tag]
        told_apart = [CLAIMS.c.key, CLAIMS.c.fingerprint]
        self._find_own = Lookup(database, told_apart, fixed=[*ours, CLAIMS.c.run_id], listed=CLAIMS.c.key)
        self._find = Lookup(
            database, [*told_apart, CLAIMS.c.owner, CLAIMS.c.expires_at], fixed=ours, listed=CLAIMS.c.key
        )

    def take(self, engine: str, run_id: str, keys: Iterable[ClaimKey]) -> set[ClaimKey]:
        """Claim those of the segments that nobody has, and return those that are this run's now.

        A claim that has expired is nobody's.
        """
        # In one order everywhere: two processes that claim the same segments must not wait for each other in a ring.
        wanted = sorted(set(keys))
        with self._database.transaction() as connection:
            now = self._database.now(connection)
            left_behind = and_(CLAIMS.c.run_id == run_id, CLAIMS.c.owner != self._owner)
            connection.execute(delete(CLAIMS).where(or_(CLAIMS.c.expires_at <= now, left_behind)))
            tail = (self._owner, run_id, now + LEASE_S)
            written = 0
            for batch in batches(wanted, ROWS_A_STATEMENT):
                rows = [(engine, *key, *tail) for key in batch]
                written += self._database.write_at_once(connection, self._put, rows)
            if written == len(wanted):
                return set(wanted)
            return self._own(connection, engine, run_id, wanted)

    def held(self, engine: str, keys: Sequence[ClaimKey]) -> set[ClaimKey]:
        """Return those of the segments that someone translates.

        The claims of a process that is known to have ended are removed at once.
        """
        wanted = set(keys)
        held: dict[ClaimKey, str] = {}
        with self._database.transaction() as connection:
            now = self._database.now(connection)
            for tag, of_tag in by_language((key, tag) for key, tag, _ in keys):
                for key, fingerprint, owner, expires_at in self._find.rows(connection, (engine, tag), of_tag):
                    claim = (bytes(key), tag, fingerprint)
                    if claim in wanted and expires_at > now:
                        held[claim] = owner
        dead = [owner for owner in set(held.values()) if owner != self._owner and not is_alive(owner, 0.0)]
        if dead:
            with self._database.transaction() as connection:
                connection.execute(delete(CLAIMS).where(CLAIMS.c.owner.in_(dead)))
        return {claim for claim, owner in held.items() if owner not in dead}

    def renew(self, run_id: str) -> None:
        """Let a run's claims hold for another `LEASE_S` seconds; those that have expired stay so."""
        with self._database.transaction() as connection:
            now = self._database.now(connection)
            connection.execute(
                update(CLAIMS)
                .where(CLAIMS.c.run_id == run_id, CLAIMS.c.owner == self._owner, CLAIMS.c.expires_at > now)
                .values(expires_at=now + LEASE_S)
            )

    def drop(self, engine: str, run_id: str, keys: Iterable[ClaimKey]) -> None:
        """Let go of segments that this run has; those of others stay."""
        with self._database.transaction() as connection:
            for tag, of_tag in by_language((key, tag) for key, tag, _ in keys):
                for batch in batches(of_tag, BATCH):
                    connection.execute(
                        delete(CLAIMS).where(
                            CLAIMS.c.engine == engine,
                            CLAIMS.c.key.in_(batch),
                            CLAIMS.c.language_tag == tag,
                            CLAIMS.c.run_id == run_id,
                            CLAIMS.c.owner == self._owner,
                        )
                    )

    def drop_all(self, run_id: str) -> None:
        """Let go of everything that this run has."""
        with self._database.transaction() as connection:
            connection.execute(delete(CLAIMS).where(CLAIMS.c.run_id == run_id, CLAIMS.c.owner == self._owner))

    def _own(self, connection: Connection, engine: str, run_id: str, wanted: Sequence[ClaimKey]) -> set[ClaimKey]:
        own: set[ClaimKey] = set()
        for tag, keys in by_language((key, tag) for key, tag, _ in wanted):
            rows = self._find_own.rows(connection, (engine, tag, run_id), keys)
            own.update((bytes(key), tag, fingerprint) for key, fingerprint in rows)
        return own.intersection(wanted)
