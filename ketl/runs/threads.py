"""Work beside the event loop that may last as long as a run."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable


def in_own_thread(work: Callable[[], None], name: str) -> asyncio.Future[None]:
    """Start `work` in a thread of its own and return a future of its end, which raises what it raised.

    The loop's own threads are too few to lend one for so long, and a program that ends waits for them; for this
    one it does not.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[None] = loop.create_future()

    def tell(error: BaseException | None) -> None:
        if ended.done():
            return
        if error is None:
            ended.set_result(None)
        else:
            ended.set_exception(error)

    def go() -> None:
        error: BaseException | None = None
        try:
            work()
        except BaseException as raised:  # whoever awaits the end is told, whatever it was
            error = raised
        # The loop may have ended meanwhile; then nobody waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(tell, error)

    threading.Thread(target=go, name=name, daemon=True).start()
    return ended
