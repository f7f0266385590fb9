"""Understands a job's words: which products, fields and languages, and what travels with every text."""

from __future__ import annotations

from dataclasses import dataclass

from ketl.catalog.catalog import Catalog
from ketl.catalog.cuttings import Cuttings
from ketl.catalog.products import find_fields
from ketl.catalog.units import cut_products
from ketl.errors import CatalogError, SelectionError
from ketl.formats.catalog_files import open_catalog, open_upload
from ketl.language.brand_voice import BrandVoice
from ketl.language.glossary import Glossary
from ketl.language.languages import Language, find_languages
from ketl.planning.census import Census, take_census
from ketl.planning.routing import regroup
from ketl.prompts.brief import Brief
from ketl.runs.job import Job
from ketl.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A job whose words have been understood: the products, fields, languages, and the brief.

    `cuttings` are the texts of the products, cut once; whatever needs them later reads them there.
    """

    job: Job
    catalog: Catalog
    fields: tuple[str, ...]
    languages: tuple[Language, ...]
    brief: Brief
    cuttings: Cuttings
    census: Census


def select(job: Job, catalog: Catalog | None = None, store: Store | None = None) -> Selection:
    """Understand a job's words, and cut the texts; sends nothing.

    `catalog` is what to choose from in place of the job's file, `store` keeps the files that were given to the page.

    Raises the UsageError that names the product, language, field or file that is wrong.
    """
    languages = regroup(find_languages(job.languages), job.routes)
    fields = find_fields(job.fields)
    chosen = (catalog or _catalog_of(job, store)).select(job.products)
    brief = Brief(Glossary.load(job.glossary), BrandVoice.load(), job.profile)
    cuttings, census = cut(chosen, fields)
    if not census.texts:
        raise SelectionError("There is nothing to translate in this selection. Choose other products or fields.")
    return Selection(
        job=job,
        catalog=chosen,
        fields=fields,
        languages=languages,
        brief=brief,
        cuttings=cuttings,
        census=census,
    )


def _catalog_of(job: Job, store: Store | None) -> Catalog:
    if job.upload is None:
        return open_catalog(job.catalog)
    name = job.catalog or "catalogue.json"
    content = store.uploads.content(job.upload) if store is not None else None
    if content is None:
        raise CatalogError(f"The catalogue {name}, which was given to the page, is no longer kept. Give it again.")
    return open_upload(name, content)


def cut(catalog: Catalog, fields: tuple[str, ...]) -> tuple[Cuttings, Census]:
    """Return the texts of a catalogue's products, cut and kept, and what they come to, in one pass."""
    cuttings = Cuttings()
    return cuttings, take_census(cuttings.keep(cut_products(catalog, fields)))
