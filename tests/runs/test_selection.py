"""A job's words are understood before anything else happens, and what is wrong is said by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from ketl.errors import CatalogError, KetlError, SelectionError, SettingsError
from ketl.runs.job import Job
from ketl.runs.selection import select
from tests.fakes import products

SPANISH = ("es",)


def test_a_selection_holds_the_products_fields_languages_and_texts_of_a_job() -> None:
    job = Job(products=("2", "3"), languages=("Spanish", "ja"), fields=("name", "details"), glossary="none")
    made = select(job, products(4))
    assert [product.id for product in made.catalog] == ["2", "3"] and made.fields == ("name", "details")
    assert [language.tag for language in made.languages] == ["es", "ja"]
    assert [[text.field for text in product.texts] for product in made.cuttings] == [["name", "details"]] * 2
    assert made.census.products == 2 and made.census.texts == made.census.distinct == 4


@pytest.mark.parametrize(
    ("job", "error", "says"),
    [
        (Job(), SelectionError, "No language"),
        (Job(languages=("Spansh",)), SelectionError, "Did you mean Spanish"),
        (Job(languages=SPANISH, products=("9",)), SelectionError, "Product “9”"),
        (Job(languages=SPANISH, fields=("nam",)), SelectionError, "Did you mean name"),
        (Job(languages=SPANISH, fields=("fabric",)), SelectionError, "nothing to translate"),
        (Job(languages=SPANISH, glossary="missing.csv"), SettingsError, "missing.csv"),
        (Job(languages=SPANISH, routes={"martian": "x"}), SelectionError, "martian"),
    ],
    ids=lambda value: "" if isinstance(value, Job) else getattr(value, "__name__", str(value)),
)
def test_a_wrong_word_is_named(job: Job, error: type[KetlError], says: str) -> None:
    with pytest.raises(error, match=says):
        select(job, products(3))


def test_a_jobs_own_file_is_opened_where_no_catalogue_is_given(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="does not exist"):
        select(Job(languages=SPANISH, catalog=str(tmp_path / "none.json")))
    assert select(Job(languages=SPANISH)).census.products == 24


def test_a_language_with_a_route_of_its_own_is_a_group_of_its_own() -> None:
    made = select(Job(languages=("es", "fr"), routes={"French": "openai/gpt-oss-120b"}), products(1))
    assert [language.group for language in made.languages] == ["western", "western:fr"]
