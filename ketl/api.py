"""The calls that people copy: translate a product or a catalogue from a script or a notebook."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from ketl.catalog.catalog import Catalog
from ketl.catalog.products import Product
from ketl.provider.tiers import load_tier
from ketl.results.events import Event
from ketl.results.rows import ResultRow
from ketl.runs.connection import Session, open_session
from ketl.runs.job import Job
from ketl.runs.run import Run, RunResult
from ketl.runs.selection import select
from ketl.settings import Settings, load_settings
from ketl.store import Store

_T = TypeVar("_T")
Products = Iterable[Product | Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductTranslation:
    """One product in several languages.

    `translations` maps a language's English name to its fields, each a text or, for a list field, a list of
    texts; a text that failed is an empty string, its reason stands in `rows`. `report` is the run's report.
    """

    product: Product
    translations: Mapping[str, Mapping[str, str | list[str]]]
    rows: tuple[ResultRow, ...]
    report: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CatalogDone:
    """The last event of `translate_catalog`: the whole result, its report and its rows."""

    result: RunResult


async def translate_product(
    product_id: str | int,
    languages: Sequence[str],
    products: Products | None = None,
    *,
    fields: Sequence[str] = (),
    job: Job | None = None,
) -> ProductTranslation:
    """Translate one product into `languages` (English names, own names or BCP 47 tags) in parallel.

    `products` is what `load_products` returned, by default the shipped catalogue; `job` sets what else a run
    may be told. Without GROQ_API_KEY the local demo server answers. Raises SelectionError for an unknown
    product, language or field; a text that fails is a row of the result with its reason.
    """
    if isinstance(languages, str):
        languages = [languages]
    result: RunResult | None = None
    events = translate_catalog(products, languages, product_ids=[product_id], fields=fields, job=job)
    async for event in events:
        if isinstance(event, CatalogDone):
            result = event.result
    assert result is not None
    product = next(iter(result.selection.catalog))
    rows = tuple(result.rows())
    return ProductTranslation(product=product, translations=_by_language(rows), rows=rows, report=result.report)


async def translate_catalog(
    products: Products | None = None,
    languages: Sequence[str] = (),
    *,
    product_ids: Sequence[str | int] = (),
    fields: Sequence[str] = (),
    job: Job | None = None,
) -> AsyncIterator[Event | CatalogDone]:
    """Translate many products; yields every event of the run as it happens, and `CatalogDone` at the end.

    Leaving the loop early cancels the run. Raises as `translate_product` does.
    """
    if isinstance(languages, str):
        languages = [languages]
    wanted = replace(
        job or Job(),
        products=tuple(str(i) for i in product_ids),
        languages=tuple(languages),
        fields=tuple(fields),
    )
    selection = select(wanted, None if products is None else Catalog.of(products))
    settings = load_settings()
    store = await asyncio.to_thread(Store, settings.database_url)
    shared = _SharedSession(settings, wanted.plan, store)
    queue: asyncio.Queue[Event | None] = asyncio.Queue()
    runs: list[Run] = []

    async def work() -> RunResult:
        # The task closes what it opened: a generator that is left behind when its loop ends never gets to.
        try:
            runs.append(Run(selection, await shared.join(), store, queue.put_nowait))
            return await runs[0].execute()
        finally:
            queue.put_nowait(None)
            await shared.leave()
            await asyncio.to_thread(store.close)

    task = asyncio.ensure_future(work())
    try:
        while (event := await queue.get()) is not None:
            yield event
        yield CatalogDone(await task)
    finally:
        for run in runs:
            run.cancel()
        if not task.done():
            await task


@dataclass(slots=True)
class _Shared:
    """A session that calls at once use together, and how many they are."""

    opening: asyncio.Task[Session]
    users: int = 0


_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Settings, str], _Shared]] = WeakKeyDictionary()


class _SharedSession:
    """One call's part in the running loop's session for these settings; the last call that leaves closes it.

    Calls at once share it, so that no text is paid for twice and a small call is not held up by a large one.
    """

    def __init__(self, settings: Settings, plan: str, store: Store) -> None:
        limits = load_tier(plan)
        self._open_ones = _sessions.setdefault(asyncio.get_running_loop(), {})
        self._key = (settings, plan)
        shared = self._open_ones.get(self._key)
        if shared is None:
            shared = _Shared(asyncio.ensure_future(open_session(settings, limits, store)))
            self._open_ones[self._key] = shared
        shared.users += 1
        self._shared = shared

    async def join(self) -> Session:
        """Return the session once it is open; who gives up waiting does not take it from the others."""
        return await asyncio.shield(self._shared.opening)

    async def leave(self) -> None:
        """Be done with the session."""
        self._shared.users -= 1
        if not self._shared.users:
            del self._open_ones[self._key]
            await _close(self._shared.opening)


async def _close(opening: asyncio.Task[Session]) -> None:
    if not opening.done():
        opening.cancel()
    (session,) = await asyncio.gather(opening, return_exceptions=True)
    if isinstance(session, Session):
        await session.close()


def _by_language(rows: Iterable[ResultRow]) -> dict[str, dict[str, str | list[str]]]:
    found: dict[str, dict[str, str | list[str]]] = {}
    for row in rows:
        fields = found.setdefault(row.language, {})
        if row.item is None:
            fields[row.field] = row.translation
        else:
            items = fields.setdefault(row.field, [])
            assert isinstance(items, list)
            items.append(row.translation)
    return found


def format_translation_result(result: ProductTranslation) -> str:
    """Return a translated product as text to print: the English first, then every language, then the times."""
    lines = [f"{result.product.name} (product {result.product.id})", "", "English"]
    for name, value in result.product.texts.items():
        lines.append(f"  {name}: {value if isinstance(value, str) else ', '.join(value)}")
    failed = {(row.language, row.field, row.item): row.reason for row in result.rows if row.status == "failed"}
    for language, fields in result.translations.items():
        lines += ["", language]
        for name, text in fields.items():
            lines.append(f"  {name}: {text if isinstance(text, str) else ', '.join(text)}")
        lines += [f"  {name} failed: {why}" for (where, name, _), why in failed.items() if where == language]
    report = result.report
    baseline = report["baseline"]
    lines += ["", f"{report['units']} texts in {report['makespan_s']:.2f} s with {report['requests']} requests."]
    if report["speedup"]:
        lines[-1] += (
            f" One after another: {baseline['seconds']:.2f} s ({baseline['kind']}),"
            f" {report['speedup']:.1f} times as long."
        )
    if report["engine"] == "demo":
        lines.append("Demo texts from the local server. Set GROQ_API_KEY for real translations.")
    return "\n".join(lines)


def run_sync(coro: Coroutine[Any, Any, _T], *, nested: bool = False) -> _T:
    """Run a coroutine from code that cannot await, and return its result.

    With no loop running, `asyncio.run`; with one running in this thread, a fresh loop in a helper thread, or,
    asked for with `nested=True` (a notebook cell that must share its kernel's loop), nest-asyncio, which
    patches asyncio for the whole process and is therefore never used unasked.
    """
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(coro)
    if nested:
        import nest_asyncio

        nest_asyncio.apply(loop)
        return loop.run_until_complete(coro)
    box: Future[_T] = Future()

    def go() -> None:
        try:
            box.set_result(asyncio.run(coro))
        except BaseException as error:
            box.set_exception(error)

    threading.Thread(target=go, name="ketl-run-sync", daemon=True).start()
    return box.result()
