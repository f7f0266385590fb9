"""Looks whether everything a run needs is there, and says what to do where it is not."""

from __future__ import annotations

import asyncio
import datetime
import platform
import shutil
import tempfile
import urllib.request
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from ketl._figures import counted
from ketl.errors import AuthenticationError, KetlError
from ketl.provider.groq import GroqClient
from ketl.provider.models import CHAINS, MODELS
from ketl.provider.tiers import load_tier
from ketl.runs.connection import learned_limits, open_connection
from ketl.runs.live_differences import CLOCK_TOLERANCE_S, clock_off_s
from ketl.runs.live_facts import Listing
from ketl.runs.live_questions import list_models
from ketl.settings import DEMO_KEY, Settings, load_settings
from ketl.store.condition import condition_of
from ketl.store.database import data_folder
from ketl.store.store import Store
from ketl.version import __version__

State = Literal["ok", "look at this", "broken"]

# A run of the shipped catalogue into all languages takes a few megabytes of database and as much of result file; a
# catalogue too large for the memory is cut into a temporary file. Below the one nothing works, below the other it may
# not for long.
_NO_ROOM_BYTES = 50_000_000
_LITTLE_ROOM_BYTES = 1_000_000_000

_NO_KEY = "No key: the local demo server answers. Set GROQ_API_KEY for real translations."
# What a person would name in a report; the rest is in the lock.
_PACKAGES = ("groq", "httpx", "aiohttp", "httpx-aiohttp", "SQLAlchemy", "streamlit", "orjson")


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was looked at: its name, its state, what was found, and what to do (empty: nothing)."""

    name: str
    state: State
    said: str
    todo: str = ""

    def as_json(self) -> dict[str, str]:
        """Return the line for programs."""
        return asdict(self)


async def examine(environment: Mapping[str, str]) -> list[Line]:
    """Return a line for everything a run needs; it raises nothing, and no line holds a key or a password.

    Without a key nothing leaves this machine. With one, the provider is asked for its list of models, which is free.
    """
    lines = [_python(), _packages()]
    try:
        settings = load_settings(environment)
    except KetlError as error:
        settings = Settings()
        lines.append(Line("key", "broken", str(error), "Until then nothing can be sent to the provider."))
    else:
        lines += [_key(settings, environment), _address(settings, environment)]
    lines.append(_proxy())
    lines += await _provider(settings)
    lines.append(await _guarded("database", lambda: asyncio.to_thread(_database, settings)))
    lines += [
        await _guarded("disk, data folder", lambda: asyncio.to_thread(_disk, "disk, data folder", data_folder())),
        await _guarded(
            "disk, temporary files",
            lambda: asyncio.to_thread(_disk, "disk, temporary files", Path(tempfile.gettempdir())),
        ),
        await _guarded("demo server", _demo),
    ]
    return lines


def versions() -> dict[str, str]:
    """Return the versions of this program, of Python with its machine, and of the packages it stands on."""
    found = {"ketl": __version__, "python": f"{platform.python_version()} on {platform.system()} {platform.machine()}"}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found


async def _guarded(name: str, look: Callable[[], Awaitable[Line]]) -> Line:
    try:
        return await look()
    except (KetlError, OSError) as error:
        said = str(error) if isinstance(error, KetlError) else f"It cannot be used ({error.strerror})."
        return Line(name, "broken", said)


def _python() -> Line:
    said = f"{platform.python_version()} on {platform.system()} {platform.machine()}, ketl {__version__}"
    return Line("Python", "ok", said)


def _packages() -> Line:
    found = {name: version for name, version in versions().items() if name in _PACKAGES}
    said = ", ".join(f"{name} {version}" for name, version in found.items())
    missing = [name for name, version in found.items() if version == "missing"]
    if missing:
        return Line("packages", "broken", said, f"Install {', '.join(missing)}: pip install -r requirements.txt")
    if not GroqClient(DEMO_KEY).framed:
        return Line(
            "packages",
            "look at this",
            f"{said}; inside, this groq is not the one that was tested, so each request takes a little more CPU",
            "pip install -r requirements.txt brings the tested one.",
        )
    return Line("packages", "ok", said)


def _key(settings: Settings, environment: Mapping[str, str]) -> Line:
    if settings.api_key is None:
        more = " The page may have one in its secrets." if not environment.get("GROQ_API_KEY") else ""
        return Line("key", "ok", f"{_NO_KEY}{more}")
    if settings.base_url is None and not settings.api_key.startswith("gsk_"):
        return Line(
            "key",
            "look at this",
            "GROQ_API_KEY is set and does not begin as Groq's keys do (gsk_).",
            "Copy it again from the provider's console, or set GROQ_BASE_URL if it belongs to a gateway.",
        )
    return Line("key", "ok", "GROQ_API_KEY is set.")


def _address(settings: Settings, environment: Mapping[str, str]) -> Line:
    if settings.api_key is None:
        unused = bool(environment.get("GROQ_BASE_URL", "").strip())
        if unused:
            return Line(
                "address",
                "look at this",
                "GROQ_BASE_URL is set and not used, because there is no key.",
                "Set GROQ_API_KEY; for a gateway that needs none, any word.",
            )
        return Line("address", "ok", "127.0.0.1, the local demo server.")
    if settings.base_url is None:
        return Line("address", "ok", "api.groq.com, the provider's own.")
    parts = urlsplit(settings.base_url)
    said = f"{parts.scheme}://{parts.hostname or ''}{f':{parts.port}' if parts.port else ''} (GROQ_BASE_URL)"
    near = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.scheme == "http" and not near:
        return Line("address", "look at this", f"{said}: the key travels unencrypted.", "Use https:// if it can.")
    return Line("address", "ok", said)


def _proxy() -> Line:
    # Their values may hold a name and a password: only that they are set is said.
    names = sorted(f"{scheme.upper()}_PROXY" for scheme in urllib.request.getproxies() if scheme != "no")
    if not names:
        return Line("proxy", "ok", "None is set.")
    return Line(
        "proxy", "ok", f"{' and '.join(names)}: requests to the provider go that way; the demo server's do not."
    )


async def _provider(settings: Settings) -> list[Line]:
    """Return the lines of what only the provider knows: the key, its models, the clock, and the limits."""
    if settings.api_key is None:
        return [
            Line("models", "ok", "Not asked: without a key there is no provider to ask, and no network is needed."),
            Line("limits", "ok", "The local server keeps the developer plan's, and says so in its headers."),
            Line("clock", "ok", "Not compared: the demo server has this machine's clock."),
        ]
    try:
        client = GroqClient(settings.api_key, settings.base_url)
        try:
            listing = await list_models(client)
        finally:
            await client.close()
    except (KetlError, TimeoutError) as error:
        said = str(error) if isinstance(error, KetlError) else "The provider did not answer in a minute."
        todo = "Check the network and GROQ_BASE_URL."
        if urllib.request.getproxies():
            todo += " A proxy is set: ask who runs it whether the provider may be reached, or add it to NO_PROXY."
        return [Line("models", "broken", said, todo)]
    return [_models(listing), await _guarded("limits", lambda: _limits(settings)), _clock(listing.date)]


def _models(listing: Listing) -> Line:
    fact = listing.fact
    if fact.read_as == AuthenticationError.__name__:
        return Line(
            "models",
            "broken",
            "The provider refused the key: it may be mistyped, revoked or expired.",
            "Copy it again from the provider's console into GROQ_API_KEY.",
        )
    if not listing.rows:
        words = fact.error.get("message", "no list that can be read")
        return Line(
            "models",
            "look at this",
            f"The provider gave no list of models (status {fact.status}: {words}); the table's living ones are tried.",
            "Check that GROQ_BASE_URL is the address of an API that speaks as Groq's does.",
        )
    alive = {name for name, row in listing.rows.items() if row["active"]}
    without = [group for group, chain in CHAINS.items() if not alive & set(chain)]
    routes = {group: next((m for m in chain if m in alive), "–") for group, chain in CHAINS.items()}
    said = f"{counted(len(alive), 'model')}; " + ", ".join(f"{group} → {model}" for group, model in routes.items())
    if without:
        return Line(
            "models",
            "look at this",
            f"{said}; none of ours for {', '.join(without)}",
            "Other listed models are taken there, unmeasured. Check which models the key may use.",
        )
    gone = sorted(m.id for m in MODELS.values() if m.retired_on is None and m.id not in alive)
    if gone:
        return Line("models", "look at this", f"{said}; not offered: {', '.join(gone)}", "Others of the chain serve.")
    return Line("models", "ok", said)


async def _limits(settings: Settings) -> Line:
    def known() -> Mapping[str, Mapping[str, float]]:
        with Store(settings.database_url) as store:
            return learned_limits(store, settings)

    rows = await asyncio.to_thread(known)
    if not rows:
        free = load_tier("auto").default
        return Line(
            "limits",
            "ok",
            f"Not learned yet: the first run starts from the free plan's ({free.rpm:.0f} requests and {free.tpm:,.0f} "
            "tokens a minute) and follows what answers say.",
        )
    said = "; ".join(
        f"{model}: " + ", ".join(f"{kind.upper()} {figure:,.0f}" for kind, figure in figures.items() if "_" not in kind)
        for model, figures in sorted(rows.items())
    )
    return Line("limits", "ok", f"Learned from answers: {said}.")


def _clock(date: str | None) -> Line:
    off_s = clock_off_s(date, datetime.datetime.now(tz=datetime.UTC))
    if off_s is None:
        return Line("clock", "ok", "Not compared: the provider's answer had no date.")
    if abs(off_s) > CLOCK_TOLERANCE_S:
        way = "ahead of" if off_s > 0 else "behind"
        return Line(
            "clock",
            "look at this",
            f"{abs(off_s):,.0f} s {way} the provider's.",
            "Set this machine's clock by the network: the order of runs and who owns them go by it.",
        )
    return Line("clock", "ok", "Within a minute of the provider's.")


def _database(settings: Settings) -> Line:
    with Store(settings.database_url) as store:
        found = condition_of(store.database)
    version = f", version {found.schema}" if found.schema else ""
    said = f"{found.kind}, {found.place}{version}, {found.size_bytes / 1e6:.1f} MB, {counted(found.runs, 'run')}"
    return Line("database", "ok", f"{said}; it can be written to.")


def _disk(name: str, folder: Path) -> Line:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    said = f"{free / 1e9:.1f} GB free at {folder}"
    if free < _NO_ROOM_BYTES:
        return Line(name, "broken", said, "Make room, or move the folder (KETL_HOME, TMPDIR).")
    if free < _LITTLE_ROOM_BYTES:
        return Line(name, "look at this", said, "Enough for small catalogues. Make room before a large one.")
    return Line(name, "ok", said)


async def _demo() -> Line:
    async with await open_connection(Settings(), load_tier("auto")) as connection:
        return Line("demo server", "ok", f"Starts and answers, with {counted(len(connection.listed), 'model')}.")
