"""Writes the translations of a run as TMX, for translation tools."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from ketl.catalog.catalog import KIND_OF
from ketl.formats.tmx import TmxUnit, write_tmx
from ketl.results.outcome import ResultRow


def write(rows: Iterable[ResultRow], handle: BinaryIO) -> int:
    """Write every row that has a translation as one TMX unit, and return how many there were."""
    return write_tmx(
        (
            TmxUnit(
                row.source,
                row.translation,
                language_tag=row.language_tag,
                kind=KIND_OF.get(row.field, "prose"),
                field=row.field,
                product_id=row.product_id,
                status=row.status,
                model=row.model,
            )
            for row in rows
            if row.translation
        ),
        handle,
    )
