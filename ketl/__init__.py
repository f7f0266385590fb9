"""Translates product catalogues into many languages at once, through Groq or a local demo server."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from ketl.errors import KetlError
from ketl.version import __version__ as __version__

if TYPE_CHECKING:
    from ketl.api import (
        CatalogDone,
        ProductTranslation,
        format_translation_result,
        run_sync,
        translate_catalog,
        translate_product,
    )
    from ketl.catalog.products import Product
    from ketl.formats.catalog_files import load_products
    from ketl.language.languages import LANGUAGES, Language, find_language
    from ketl.runs.job import Job

__all__ = [
    "LANGUAGES",
    "CatalogDone",
    "Job",
    "KetlError",
    "Language",
    "Product",
    "ProductTranslation",
    "find_language",
    "format_translation_result",
    "load_products",
    "run_sync",
    "translate_catalog",
    "translate_product",
]

_HOMES = {
    "LANGUAGES": "ketl.language.languages",
    "Language": "ketl.language.languages",
    "find_language": "ketl.language.languages",
    "Product": "ketl.catalog.products",
    "load_products": "ketl.formats.catalog_files",
    "Job": "ketl.runs.job",
}

# By the monotonic clock; for a command line that is its start but for the interpreter's own.
LOADED_AT = time.monotonic()

# A library says nothing unless the program around it wants to hear it; `ketl.logs.set_up` is for our own doors.
logging.getLogger("ketl").addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    # Loaded when first asked for: the local server's process needs none of the engine or the SDK.
    if name not in __all__:
        raise AttributeError(f"module 'ketl' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES.get(name, "ketl.api")), name)
