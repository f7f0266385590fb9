"""The calls that people copy: as written in the README, in a script, in a notebook, and with every wrong word."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ketl
from ketl import (
    CatalogDone,
    Job,
    KetlError,
    ProductTranslation,
    format_translation_result,
    load_products,
    run_sync,
    translate_catalog,
    translate_product,
)
from ketl.errors import AuthenticationError, CatalogError, SelectionError, SettingsError
from ketl.formats.layouts import LONG_COLUMNS
from ketl.results.events import Ended, PhaseBegan
from ketl.runs.job import Mode
from ketl.runs.run import new_run_id
from ketl.simulator import RunningSimulator

ROOT = Path(__file__).resolve().parents[1]
RAW = [
    {"product_id": 7, "extracted_data": {"product_name": "Trail Sock 12\"", "available_colors": ["Black", "Navy"]}},
    {"product_id": "A-8", "product_name": "Camp Towel", "other_details": "Dries before you do."},
]  # fmt: skip


def test_the_snippet_that_people_copy_works_as_written_without_a_key() -> None:
    code = """
from ketl import load_products, translate_product, format_translation_result
products = load_products()
result = await translate_product(product_id=1, languages=["Spanish", "French", "Japanese"], products=products)
print(format_translation_result(result))
"""
    script = f"import asyncio\nasync def main():\n{''.join(f'    {line}' + chr(10) for line in code.splitlines())}"
    said = subprocess.run(
        [sys.executable, "-c", f"{script}\nasyncio.run(main())"],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert said.stderr == ""
    assert "Sunshirk Sun Hoodie (product 1)" in said.stdout
    for part in ("English", "Spanish", "French", "Japanese", "Demo texts", "name:", "colors:"):
        assert part in said.stdout


@pytest.mark.usefixtures("keyed")
def test_a_product_comes_back_by_language_and_field() -> None:
    result = asyncio.run(translate_product(7, ["es", "العربية"], RAW))
    assert isinstance(result, ProductTranslation) and result.product.name == 'Trail Sock 12"'
    assert list(result.translations) == ["Spanish", "Arabic"]
    for fields in result.translations.values():
        assert list(fields) == ["name", "colors"] and len(fields["colors"]) == 2 and "12" in fields["name"]
    assert result.report["translated"] == len(result.rows) == 6
    said = format_translation_result(result)
    assert said.startswith('Trail Sock 12" (product 7)') and "Spanish" in said and "Demo" not in said


@pytest.mark.usefixtures("keyed")
def test_one_language_may_be_given_as_a_plain_word_and_fields_by_name() -> None:
    result = asyncio.run(translate_product("A-8", "Spanish", RAW, fields=["details"]))
    assert [(row.field, row.language) for row in result.rows] == [("details", "Spanish")]


@pytest.mark.usefixtures("keyed", "impatient")
def test_a_text_that_fails_is_a_row_with_its_reason(simulator: RunningSimulator) -> None:
    simulator.configure({"script": [{"fault": "500", "times": None, "contains": "Camp Towel"}]})
    result = asyncio.run(translate_product("A-8", ["es"], RAW, job=Job(pack=1)))
    assert result.translations["Spanish"]["name"] == "" and result.translations["Spanish"]["details"]
    assert "name failed: " in format_translation_result(result) and "status 500" in format_translation_result(result)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: translate_product(77, ["es"], RAW), "Product “77” is not in"),
        (lambda: translate_product("A-9", ["es"], RAW), "Did you mean A-8"),
        (lambda: translate_product(7, ["Spansh"], RAW), "Did you mean Spanish"),
        (lambda: translate_product(7, ["es"], RAW, fields=["nam"]), "Did you mean name"),
        (lambda: translate_product(7, [], RAW), "No language was chosen"),
        (lambda: translate_product(7, ["es"], RAW, fields=["details"]), "nothing to translate"),
    ],
    ids=["product", "near product", "language", "field", "no language", "nothing there"],
)  # fmt: skip
@pytest.mark.usefixtures("keyed")
def test_an_unknown_word_is_never_skipped_in_silence(call: Any, says: str, simulator: RunningSimulator) -> None:
    with pytest.raises(SelectionError, match=says):
        asyncio.run(call())
    assert simulator.stats()["requests"] == 0


CATALOG = [
    {"product_id": n, "product_name": f"Ridge Sock {n}", "other_details": f"Dries in {n} hours."} for n in (1, 2, 3)
]


def ended(events: Any) -> CatalogDone:
    async def last() -> CatalogDone:
        async for event in events:
            if isinstance(event, CatalogDone):
                return event
        raise AssertionError("the run did not end")

    return asyncio.run(last())


@pytest.mark.usefixtures("keyed")
def test_what_a_job_selects_is_honoured_and_arguments_override_only_what_they_name() -> None:
    job = Job(products=("2",), languages=("es",), fields=("name",))
    rows = [(r.product_id, r.language_tag, r.field) for r in ended(translate_catalog(CATALOG, job=job)).result.rows()]
    assert rows == [("2", "es", "name")]
    other = ended(translate_catalog(CATALOG, ["fr"], fields=["details"], job=job)).result.rows()
    assert [(r.product_id, r.language_tag, r.field) for r in other] == [("2", "fr", "details")]
    one = asyncio.run(translate_product(2, products=CATALOG, job=Job(languages=("es",), fields=("name",))))
    assert [(r.product_id, r.language_tag, r.field) for r in one.rows] == [("2", "es", "name")]


@pytest.mark.usefixtures("keyed")
def test_a_job_takes_plain_words_and_refuses_those_that_mean_nothing() -> None:
    job = Job(products=2, languages="Spanish", fields="name", mode="parallel")  # type: ignore[arg-type]
    rows = [(r.product_id, r.language_tag, r.field) for r in ended(translate_catalog(CATALOG, job=job)).result.rows()]
    assert rows == [("2", "es", "name")]
    one = ended(translate_catalog(CATALOG, "fr", product_ids="1", fields="name")).result.rows()  # type: ignore[arg-type]
    assert [(r.product_id, r.language_tag) for r in one] == [("1", "fr")]
    with pytest.raises(SettingsError, match="no mode “sideways”. Choose one of: parallel, sequential, compare"):
        Job(mode="sideways")  # type: ignore[arg-type]


def test_sharing_a_loop_without_the_package_for_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nest_asyncio", None)

    async def cell() -> None:
        run_sync(asyncio.sleep(0), nested=True)

    with pytest.raises(SettingsError, match="nest-asyncio"):
        asyncio.run(cell())


@pytest.mark.usefixtures("keyed")
def test_a_call_that_is_given_up_before_it_began_sends_nothing(
    simulator: RunningSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go() -> None:
        entered = asyncio.Event()
        opening = ketl.api.open_connection

        async def slow(*args: Any) -> Any:
            entered.set()
            await asyncio.sleep(3600)
            return await opening(*args)

        monkeypatch.setattr("ketl.api.open_connection", slow)
        call = asyncio.ensure_future(translate_product(1, ["es"], CATALOG))
        await entered.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call

    asyncio.run(go())
    assert simulator.stats()["requests"] == 0


@pytest.mark.usefixtures("keyed")
def test_a_call_that_contradicts_its_job_is_refused(simulator: RunningSimulator, tmp_path: Path) -> None:
    with pytest.raises(SelectionError, match="products 2, the call for product 3"):
        asyncio.run(translate_product(3, ["es"], CATALOG, job=Job(products=("2",))))
    with pytest.raises(SelectionError, match="Give one of the two"):
        ended(translate_catalog(CATALOG, ["es"], job=Job(catalog=str(tmp_path / "products.json"))))
    assert simulator.stats()["requests"] == 0


@pytest.mark.usefixtures("keyed")
def test_a_job_s_own_catalogue_is_the_one_that_is_translated(tmp_path: Path) -> None:
    file = tmp_path / "products.json"
    file.write_text(json.dumps(CATALOG[:2]))
    done = ended(translate_catalog(job=Job(catalog=str(file), languages=("es",), fields=("name",))))
    assert [row.product_id for row in done.result.rows()] == ["1", "2"]


@pytest.mark.usefixtures("keyed")
def test_a_result_is_a_frame_with_the_columns_of_the_long_file(tmp_path: Path) -> None:
    done = ended(translate_catalog(CATALOG, ["es", "ar"]))
    frame = done.to_frame()
    assert list(frame.columns) == list(LONG_COLUMNS) and len(frame) == 12
    assert list(frame["language_tag"].unique()) == ["es", "ar"] and not frame["from_memory"].any()
    assert frame["item"].isna().all() and (frame["seconds"] > 0).all()
    chunks = list(done.frames(5))
    assert [len(chunk) for chunk in chunks] == [5, 5, 2]
    assert [row for chunk in chunks for row in chunk["translation"]] == list(frame["translation"])
    one = asyncio.run(translate_product(1, ["es"], CATALOG)).to_frame()
    assert list(one["status"]) == ["translated"] * 2 and one["from_memory"].all()


@pytest.mark.usefixtures("keyed")
def test_rows_that_are_no_products_are_refused(simulator: RunningSimulator) -> None:
    with pytest.raises(CatalogError, match="Row 2 has no product_id"):
        asyncio.run(translate_product(7, ["es"], [*RAW[:1], {"product_name": "Nameless"}]))
    with pytest.raises(CatalogError, match="“product_name” is a nested object"):
        asyncio.run(translate_product(1, ["es"], [{"product_id": 1, "product_name": {"en": "x"}}]))
    assert simulator.stats()["requests"] == 0


@pytest.mark.usefixtures("keyed")
def test_a_refused_key_is_an_error_of_the_family(simulator: RunningSimulator) -> None:
    simulator.configure({"keys": ["gsk_another"]})
    with pytest.raises(AuthenticationError) as caught:
        asyncio.run(translate_product(7, ["es"], RAW))
    assert isinstance(caught.value, KetlError)


async def collect(stream: Any) -> list[Any]:
    return [event async for event in stream]


@pytest.mark.usefixtures("keyed")
def test_a_catalogue_streams_its_events_and_ends_with_the_result() -> None:
    events = asyncio.run(collect(translate_catalog(RAW, ["es", "ja"], job=Job(pack=1))))
    assert isinstance(events[-1], CatalogDone) and not any(isinstance(e, CatalogDone) for e in events[:-1])
    assert any(isinstance(event, PhaseBegan) for event in events)
    ended = [event for event in events if isinstance(event, Ended)]
    assert len(ended) == events[-1].result.report["segments"] == 10
    assert [row.product_id for row in events[-1].result.rows()] == ["7"] * 6 + ["A-8"] * 4


@pytest.mark.usefixtures("keyed")
def test_part_of_a_catalogue_is_chosen_by_product_and_field() -> None:
    [*_, done] = asyncio.run(collect(translate_catalog(None, "es", product_ids=[3, "1"], fields=["name"])))
    assert [(row.product_id, row.field) for row in done.result.rows()] == [("1", "name"), ("3", "name")]


@pytest.mark.parametrize("closing", [True, False], ids=["closed by hand", "left alone"])
@pytest.mark.usefixtures("keyed")
def test_leaving_the_loop_early_cancels_the_run(simulator: RunningSimulator, closing: bool) -> None:
    simulator.configure({"latency_s": [0.05, 0.05], "time_scale": 1})

    async def leave() -> None:
        stream = translate_catalog(load_products(), ["es"], job=Job(pack=1, mode=Mode.SEQUENTIAL))
        if closing:
            async with contextlib.aclosing(stream):
                async for event in stream:
                    if isinstance(event, Ended):
                        break
        else:
            async for event in stream:
                if isinstance(event, Ended):
                    break

    asyncio.run(leave())
    assert 1 <= simulator.stats()["requests"] <= 3


@pytest.mark.usefixtures("keyed")
def test_two_catalogues_at_once_do_not_mix() -> None:
    async def both() -> list[list[Any]]:
        first = collect(translate_catalog(RAW[:1], ["es"]))
        return await asyncio.gather(first, collect(translate_catalog(RAW[1:], ["ar"])))

    first, second = asyncio.run(both())
    assert {row.product_id for row in first[-1].result.rows()} == {"7"}
    assert {row.language_tag for row in second[-1].result.rows()} == {"ar"}


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


async def fail() -> None:
    raise SelectionError("There is no such product.")


def test_code_that_cannot_await_gets_the_result_where_no_loop_runs() -> None:
    assert run_sync(double(21)) == 42
    with pytest.raises(SelectionError, match="no such product"):
        run_sync(fail())


def test_code_inside_a_running_loop_gets_the_result_from_a_loop_of_its_own() -> None:
    async def inside() -> int:
        with pytest.raises(SelectionError):
            run_sync(fail())
        return run_sync(double(21))

    assert asyncio.run(inside()) == 42


@pytest.mark.usefixtures("keyed")
def test_a_translation_runs_inside_a_running_loop() -> None:
    async def inside() -> ProductTranslation:
        return run_sync(translate_product(7, ["es"], RAW))

    assert asyncio.run(inside()).report["translated"] == 3


def test_a_notebook_cell_may_share_its_kernels_loop_when_asked_for() -> None:
    # In a process of its own: the patch that this asks for stays for as long as the process lives.
    code = """
import asyncio, sys
from ketl import run_sync
assert "nest_asyncio" not in sys.modules
async def which(): return asyncio.get_running_loop()
async def cell():
    here = asyncio.get_running_loop()
    assert run_sync(which()) is not here and "nest_asyncio" not in sys.modules
    assert run_sync(which(), nested=True) is here
    print("shared")
loop = asyncio.new_event_loop()
loop.run_until_complete(cell())
loop.close()
"""
    said = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code],
        cwd=ROOT, env=os.environ, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert said.stdout.strip() == "shared", said.stderr


def test_a_run_id_can_be_typed_after_an_option() -> None:
    assert not [run_id for _ in range(400) if (run_id := new_run_id()).startswith("-")]


def test_the_package_says_what_it_is() -> None:
    assert ketl.__doc__ and "translate_product" in dir(ketl) + ketl.__all__
