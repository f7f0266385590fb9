"""A private PostgreSQL for the tests: a cluster of its own in a temporary folder, on a port of this machine."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

USER, DATABASE = "ketl", "postgres"


def binaries() -> Path | None:
    """Return the folder with `initdb` and `pg_ctl`, of the newest version there is; None where there is none."""
    places = [Path(found).resolve().parent for name in ("initdb", "pg_ctl") if (found := shutil.which(name))]
    places += sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda p: int(re.sub(r"\D", "", p.parent.name) or 0),
        reverse=True,
    )
    return next((place for place in places if (place / "initdb").exists() and (place / "pg_ctl").exists()), None)


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL server that can be stopped, killed and started again."""

    binaries: Path
    folder: Path
    port: int

    def url(self, database: str = DATABASE) -> str:
        """Return the address of one of its databases, for KETL_DATABASE_URL."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Make an empty database, in place of one of that name, and return its address."""
        for order in (f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)', f'CREATE DATABASE "{database}"'):
            self._run("psql", "-qX", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, "-d", DATABASE, "-c", order)
        return self.url(database)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.folder / "log"), "-o", options, "-w", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `immediate` as a crash would."""
        self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop")

    @property
    def data(self) -> Path:
        """The folder of the server's own files."""
        return self.folder / "data"

    def _run(self, name: str, *words: str) -> None:
        done = subprocess.run(
            [str(self.binaries / name), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            **_as_another_user(),
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stderr.strip()[-500:]}")


@contextmanager
def private_cluster() -> Iterator[Cluster]:
    """Start a cluster that ends, with all its files, when this does; raises RuntimeError where that cannot be."""
    found = binaries()
    if found is None:
        raise RuntimeError("PostgreSQL is not installed here")
    with tempfile.TemporaryDirectory(prefix="ketl-postgres-") as name:
        folder = Path(name)
        if "user" in _as_another_user():
            shutil.chown(folder, "postgres", "postgres")
        cluster = Cluster(found, folder, _free_port())
        cluster._run("initdb", "-D", str(cluster.data), "-U", USER, "-A", "trust", "-E", "UTF8", "--no-sync")
        cluster.start()
        try:
            yield cluster
        finally:
            cluster.stop("immediate")


def _as_another_user() -> dict[str, str]:
    """Return how to run it: PostgreSQL refuses to be root, so there it is the user that its package made."""
    return {"user": "postgres", "group": "postgres"} if os.name == "posix" and os.geteuid() == 0 else {}


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
