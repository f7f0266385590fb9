"""One simulator process for all tests here, put back to its first settings before each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from groq import AsyncGroq

from ketl.simulator import RunningSimulator, SimulatorConfig, start_simulator
from ketl.simulator.config import as_json

AT_ONCE = SimulatorConfig(time_scale=0, batch_time_scale=0.02)


@pytest.fixture(scope="session")
def _process() -> Iterator[RunningSimulator]:
    with start_simulator(config=AT_ONCE) as running:
        yield running


@pytest.fixture
def simulator(_process: RunningSimulator) -> RunningSimulator:
    """A running simulator that answers at once, with full limits and no counts."""
    _process.configure(as_json(AT_ONCE))
    _process.reset()
    return _process


@pytest.fixture
def sdk(simulator: RunningSimulator) -> Callable[[], AbstractAsyncContextManager[AsyncGroq]]:
    """Opens the official SDK, its own retries off, on the running simulator."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[AsyncGroq]:
        async with AsyncGroq(api_key="gsk_test", base_url=simulator.base_url, max_retries=0, timeout=5) as client:
            yield client

    return opened
