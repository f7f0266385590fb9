"""The connection of one event loop to one provider account: the client, its lanes, and the models that live."""

from __future__ import annotations

import asyncio
import datetime
import random
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from hashlib import blake2b
from types import TracebackType
from typing import Self

from ketl.engine.admission import Dispatcher
from ketl.engine.retries import backoff_s
from ketl.errors import ModelGoneError, ProviderError, RefusedError, RunError, UnreachableError, UnusableReplyError
from ketl.planning.routing import living_by_table
from ketl.provider.groq import GroqClient
from ketl.provider.lane import Lane
from ketl.provider.limits import Limits
from ketl.provider.models import MODELS, NOT_FOR_TEXT, model_facts
from ketl.provider.protocol import Client, ListedModel
from ketl.provider.tiers import TIERS, Tier, load_tier
from ketl.runs.claims import Claims
from ketl.runs.local_client import LocalClient
from ketl.settings import DEMO_KEY, Settings
from ketl.simulator.config import SimulatorConfig
from ketl.simulator.launcher import RunningSimulator, start_simulator
from ketl.store.store import Store

_LIST_TRIES = 4

_lock = threading.Lock()
_accounts: dict[str, dict[str, Lane]] = {}
_simulators: dict[str, RunningSimulator] = {}


class Connection:
    """Everything a run needs of the outside, for the loop it was opened on; an async context manager.

    Lanes are shared by all connections of the process with the same account, since limits are the account's.
    """

    def __init__(
        self,
        client: Client,
        lanes: dict[str, Lane],
        listed: list[ListedModel],
        *,
        engine: str,
        account: str,
        round_trip_s: float,
    ) -> None:
        self.client = client
        self.lanes = lanes
        self.listed = listed
        self.engine = engine
        self.account = account
        self.dispatcher = Dispatcher(client, lanes, round_trip_s=round_trip_s)
        # Segments that a run of this connection is translating: others wait for it instead of paying twice.
        self.claims = Claims()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    def save_limits(self, store: Store) -> None:
        """Keep the limits that answers taught, so that the next start knows them."""
        learned = {
            name: {k: v for k, v in asdict(lane.books.limits).items() if v is not None}
            for name, lane in self.lanes.items()
            if lane.books.auto and lane.answered
        }
        if learned:
            kept = store.settings.get(_limits_name(self.account)) or {}
            store.settings.put(_limits_name(self.account), {**kept, **learned})


async def open_connection(settings: Settings, plan: Tier, store: Store | None = None) -> Connection:
    """Connect to the provider, or to the local server when there is no key, and ask which models live.

    Raises AuthenticationError for a refused key and UnreachableError when nothing answers.
    """
    key, url = settings.api_key or DEMO_KEY, settings.base_url
    client: Client
    if settings.engine == "demo":
        server = await asyncio.to_thread(_simulator, plan)
        url = server.base_url
        client = LocalClient(server, partial(_simulator, plan))
        if plan.auto:
            plan = replace(plan, default=TIERS["developer"])  # the local server's own default
    else:
        client = GroqClient(key, url)
    try:
        listed, round_trip_s = await _list_models(client)
    except BaseException:
        await client.close()
        raise
    account = _account(key, url)
    known: Mapping[str, Mapping[str, float]] = {}
    if plan.auto and store is not None and settings.engine == "groq":
        known = await asyncio.to_thread(learned_limits, store, settings)
    return Connection(
        client,
        lanes_of(account, listed, plan, known),
        listed,
        engine=settings.engine,
        account=account,
        round_trip_s=round_trip_s,
    )


def lanes_of(
    account: str, listed: list[ListedModel], plan: Tier, known: Mapping[str, Mapping[str, float]]
) -> dict[str, Lane]:
    """Return the process's lanes of an account, one for every listed model that translates text.

    `known` are limits learned earlier, by model. A plan other than the one the lanes have replaces their
    limits but keeps what is spent.
    """
    with _lock:
        lanes = _accounts.setdefault(account, {})
        for row in listed:
            if not row.active or any(word in row.id.lower() for word in NOT_FOR_TEXT):
                continue
            limits = plan.limits_of(row.id)
            if plan.auto and row.id in known:
                limits = Limits(**{k: v for k, v in known[row.id].items() if k in Limits.__dataclass_fields__})
            lane = lanes.get(row.id)
            if lane is None:
                facts = model_facts(row.id)
                if row.max_completion_tokens:
                    facts = replace(facts, max_completion_tokens=row.max_completion_tokens)
                lanes[row.id] = Lane(facts, limits, auto=plan.auto, plan=plan.name)
                continue
            lane.gone = None
            if lane.plan != plan.name:
                lane.books.adopt(limits, auto=plan.auto)
                lane.plan = plan.name
        return lanes


def learned_limits(store: Store, settings: Settings) -> Mapping[str, Mapping[str, float]]:
    """Return the limits that answers taught earlier of the settings' account, by model; empty where none did."""
    if settings.api_key is None:
        return {}
    return store.settings.get(_limits_name(_account(settings.api_key, settings.base_url))) or {}


@contextmanager
def local_survey_server(plan: str) -> Iterator[str]:
    """Yield the address of a local server of its own that answers at once and takes the demo's key alone."""
    with start_simulator(config=SimulatorConfig(plan=plan, time_scale=0, keys=(DEMO_KEY,))) as running:
        yield running.base_url


def forget_accounts() -> None:
    """Forget the lanes of all accounts, with what is spent and learned of them; for tests."""
    with _lock:
        _accounts.clear()


def plan_lanes(engine: str, plan: Tier) -> tuple[list[ListedModel], dict[str, Lane]]:
    """Return the models and lanes to plan with when nothing may be sent: the table's, as of today.

    The demo's local server has them all, and starts on the developer plan.
    """
    if engine == "demo":
        listed = [ListedModel(id=name) for name in MODELS]
        plan = load_tier("developer") if plan.auto else plan
    else:
        listed = living_by_table(_today())
    lanes = {
        row.id: Lane(model_facts(row.id), plan.limits_of(row.id), auto=plan.auto, plan=plan.name) for row in listed
    }
    return listed, lanes


async def _list_models(client: Client) -> tuple[list[ListedModel], float]:
    """Return the provider's models and the seconds of one round trip.

    A provider that has no list, or whose list is broken, is taken to have the table's living models.
    """
    rng = random.Random()
    loop = asyncio.get_running_loop()
    for tries in range(_LIST_TRIES):
        begun = loop.time()
        try:
            listed = await asyncio.wait_for(client.list_models(), 20.0)
            if listed:
                # The first trip opens the connection, over TLS in two more round trips than a refusal takes.
                trips = 3.0 if client.encrypted else 1.0
                return listed, (loop.time() - begun) / trips
            break
        except (RefusedError, ModelGoneError, UnusableReplyError):
            break
        except TimeoutError as error:
            raise UnreachableError(
                "The provider did not answer in 20 seconds. Check the network and try again."
            ) from error
        except (ProviderError, UnreachableError) as error:
            if tries + 1 == _LIST_TRIES:
                if isinstance(error, ProviderError):
                    break
                raise
            await asyncio.sleep(backoff_s(tries, rng))
        except RunError:
            raise
    return living_by_table(_today()), 0.05


def _simulator(plan: Tier) -> RunningSimulator:
    """Return the process's local server for a plan, started when first asked for."""
    name = "developer" if plan.auto else plan.name
    with _lock:
        running = _simulators.get(name)
        if running is None or not running.running:
            running = _simulators[name] = start_simulator(plan=plan.path or name)
        return running


def _today() -> str:
    return datetime.datetime.now(tz=datetime.UTC).date().isoformat()


def _account(key: str, url: str | None) -> str:
    return blake2b(f"{url}\0{key}".encode(), digest_size=8).hexdigest()


def _limits_name(account: str) -> str:
    return f"limits:{account}"
