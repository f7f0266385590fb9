"""Understands a job's words: which products, fields and languages, and what travels with every text."""

from __future__ import annotations

from dataclasses import dataclass

from ketl.catalog.catalog import Catalog
from ketl.catalog.products import find_fields
from ketl.errors import SelectionError
from ketl.formats.catalog_files import open_catalog
from ketl.language.brand_voice import BrandVoice
from ketl.language.glossary import Glossary
from ketl.language.languages import Language, find_languages
from ketl.planning.census import Census, take_census
from ketl.planning.routing import regroup
from ketl.prompts.brief import Brief
from ketl.runs.job import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A job whose words have been understood: the products, fields, languages, and the brief."""

    job: Job
    catalog: Catalog
    fields: tuple[str, ...]
    languages: tuple[Language, ...]
    brief: Brief
    census: Census


def select(job: Job, catalog: Catalog | None = None) -> Selection:
    """Understand a job's words; sends nothing.

    Raises the UsageError that names the product, language, field or file that is wrong.
    """
    languages = regroup(find_languages(job.languages), job.routes)
    fields = find_fields(job.fields)
    chosen = (catalog or open_catalog(job.catalog)).select(job.products)
    census = take_census(chosen, fields)
    if not census.texts:
        raise SelectionError("There is nothing to translate in this selection. Choose other products or fields.")
    brief = Brief(Glossary.load(job.glossary), BrandVoice.load(), job.profile)
    return Selection(
        job=job,
        catalog=chosen,
        fields=fields,
        languages=languages,
        brief=brief,
        census=census,
    )
