"""The client of a local server of ours, which is started again when it has died, also in the middle of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ketl.errors import KetlError, RunError, UnreachableError
from ketl.logs import get_logger
from ketl.provider.groq import GroqClient
from ketl.provider.protocol import Call, ListedModel, Reply
from ketl.settings import DEMO_KEY
from ketl.simulator.launcher import RunningSimulator

logger = get_logger(__name__)

# A connection breaks a moment before the process that held it counts as ended.
_ENDED_WITHIN_S = 0.5


class LocalClient:
    """Talks to the server that `start` returns: the running one, or a new one when that has died."""

    encrypted = False

    def __init__(self, server: RunningSimulator, start: Callable[[], RunningSimulator]) -> None:
        self._server = server
        self._start = start
        self._client = GroqClient(DEMO_KEY, server.base_url)
        self._former: list[GroqClient] = []
        self._starting = asyncio.Lock()

    async def complete(self, call: Call) -> Reply:
        """Return the answer to `call`, of a new server if need be; raises as any client does."""
        client = self._client
        try:
            return await client.complete(call)
        except UnreachableError:
            if not await self._started_again(client):
                raise
        return await self._client.complete(call)

    async def list_models(self) -> list[ListedModel]:
        """Return the models that the server lists; raises as any client does."""
        return await self._client.list_models()

    async def close(self) -> None:
        """Close the connections; the server goes on for those who come after."""
        for client in (*self._former, self._client):
            await client.close()

    async def _started_again(self, client: GroqClient) -> bool:
        """Start the server anew if it is the death of the one behind `client` that broke a connection."""
        async with self._starting:
            if client is not self._client:
                return True  # whoever noticed first has done it
            if not await asyncio.to_thread(self._server.ended, _ENDED_WITHIN_S):
                return False
            logger.warning("The local demo server had ended. It is started again, and what it owes is asked for anew.")
            try:
                self._server = await asyncio.to_thread(self._start)
            except KetlError as error:
                # No UnreachableError: there is nothing to wait for.
                raise RunError("The local demo server ended and could not be started again. Try once more.") from error
            self._former.append(client)
            self._client = GroqClient(DEMO_KEY, self._server.base_url)
            return True
