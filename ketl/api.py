"""The calls that people copy: translate a product or a catalogue from a script or a notebook."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

from ketl.catalog.catalog import Catalog
from ketl.catalog.products import Product
from ketl.errors import SelectionError, SettingsError
from ketl.formats.frames import to_frame
from ketl.provider.tiers import load_tier
from ketl.results.events import Event
from ketl.results.rows import ResultRow
from ketl.runs.connection import Connection, open_connection
from ketl.runs.drive import drive
from ketl.runs.job import Job
from ketl.runs.result import RunResult
from ketl.runs.run import Run
from ketl.settings import Settings, load_settings
from ketl.store.store import Store

if TYPE_CHECKING:
    import pandas

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

    def to_frame(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per unit and the columns of the long CSV."""
        return to_frame(self.rows)


@dataclass(frozen=True, slots=True)
class CatalogDone:
    """The last event of `translate_catalog`: the whole result, its report, its rows, and them as pandas frames."""

    result: RunResult

    def to_frame(self) -> pandas.DataFrame:
        """Return a pandas DataFrame with one row per unit and the columns of the long CSV."""
        return self.result.to_frame()

    def frames(self, chunk_rows: int = 50_000) -> Iterator[pandas.DataFrame]:
        """Yield the rows of `to_frame` in frames of at most `chunk_rows`, for runs larger than the memory."""
        return self.result.frames(chunk_rows)


async def translate_product(
    product_id: str | int,
    languages: Sequence[str] = (),
    products: Products | None = None,
    *,
    fields: Sequence[str] = (),
    job: Job | None = None,
) -> ProductTranslation:
    """Translate one product into `languages` (English names, own names or BCP 47 tags) in parallel.

    `products` is what `load_products` returned, by default the job's catalogue or the shipped one. `job` sets what
    else a run may be told; what the arguments name goes before what the job names, all else of the job counts.
    Without GROQ_API_KEY the local demo server answers. Raises SelectionError for an unknown product, language or
    field, or when job and arguments contradict each other; a text that fails is a row of the result with its reason.
    """
    if job is not None and job.products and str(product_id) not in job.products:
        raise SelectionError(
            f"The job asks for the products {', '.join(job.products)}, the call for product {product_id}. "
            "Leave the products out of the job, or name one of them."
        )
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

    `product_ids`, `languages` and `fields` go before what `job` selects; left out, the job's own selection counts,
    and where that is empty, too, everything (languages must be named somewhere). Leaving the loop early cancels the
    run. Raises as `translate_product` does.
    """
    wanted = _wanted(job or Job(), products, languages, product_ids, fields)
    settings = load_settings()
    store = await asyncio.to_thread(Store, settings.database_url)
    queue: asyncio.Queue[Event | None] = asyncio.Queue()
    runs: list[Run] = []

    async def work() -> RunResult:
        # The task closes what it opened: a generator that is left behind when its loop ends never gets to.
        try:
            return await drive(
                wanted,
                lambda: _shared_connection(settings, wanted.plan, store),
                store,
                catalog=None if products is None else Catalog.of(products),
                watch=queue.put_nowait,
                began=runs.append,
            )
        finally:
            queue.put_nowait(None)
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
            if not runs:
                # It is still reading or connecting: there is nothing to keep.
                task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def _wanted(
    job: Job,
    products: Products | None,
    languages: Sequence[str],
    product_ids: Sequence[str | int],
    fields: Sequence[str],
) -> Job:
    """Return the job with what the arguments name in place of its own.

    Raises SelectionError when both name a catalogue.
    """
    if products is not None and job.catalog is not None:
        raise SelectionError(
            f"The job names the catalogue {job.catalog}, and products were given, too. Give one of the two."
        )
    named: dict[str, Any] = {"products": product_ids, "languages": languages, "fields": fields}
    # A product's id may be 0, so what counts as given is not what is true.
    given: dict[str, Any] = {name: value for name, value in named.items() if isinstance(value, int) or value}
    return replace(job, **given)


@dataclass(slots=True)
class _Shared:
    """A connection that calls at once use together, and how many they are."""

    opening: asyncio.Task[Connection]
    users: int = 0


_shared: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Settings, str], _Shared]] = WeakKeyDictionary()


@asynccontextmanager
async def _shared_connection(settings: Settings, plan: str, store: Store) -> AsyncIterator[Connection]:
    """Yield the running loop's connection for these settings; the last call that leaves closes it.

    Calls at once share it, so that no text is paid for twice and a small call is not held up by a large one.
    """
    open_ones = _shared.setdefault(asyncio.get_running_loop(), {})
    key = (settings, plan)
    shared = open_ones.get(key)
    if shared is None:
        opening = asyncio.ensure_future(open_connection(settings, load_tier(plan), store))
        shared = open_ones[key] = _Shared(opening)
    shared.users += 1
    try:
        # Who gives up waiting does not take the connection from the others.
        yield await asyncio.shield(shared.opening)
    finally:
        shared.users -= 1
        if not shared.users:
            del open_ones[key]
            await _close(shared.opening)


async def _close(opening: asyncio.Task[Connection]) -> None:
    if not opening.done():
        opening.cancel()
    (connection,) = await asyncio.gather(opening, return_exceptions=True)
    if isinstance(connection, Connection):
        await connection.close()


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
    took = f"{report['makespan_s']:.2f} s ({report['total_s']:.2f} s from call to result)"
    lines += ["", f"{report['units']} texts in {took} with {report['requests']} requests."]
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
        try:
            import nest_asyncio
        except ImportError as error:
            coro.close()
            raise SettingsError(
                "Sharing the running loop needs one more package: run “pip install nest-asyncio”, or leave nested out."
            ) from error

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
