"""Reads product rows and says which fields are prose to translate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ketl._words import did_you_mean
from ketl.catalog.products import Product, _cleaned, parse_product
from ketl.errors import CatalogError, SelectionError


class Catalog:
    """A catalogue that can be iterated many times, holding small files and streaming large ones.

    Iterating yields `Product`s in file order and raises CatalogError at the first row that is none, or
    whose id was seen before. `sha256` tells the content of the file that it was read from, None where it was no file;
    a part of it has that of the whole.
    """

    def __init__(
        self, read: Callable[[], Iterator[Product]], source: str, *, held: bool = False, sha256: str | None = None
    ) -> None:
        self._read = read
        self.source = source
        self.held = held
        self.sha256 = sha256

    def __iter__(self) -> Iterator[Product]:
        return self._read()

    @classmethod
    def of(cls, products: Iterable[Product | Mapping[str, Any]]) -> Catalog:
        """Return a catalogue over products, or rows as a file would have them, that are at hand."""
        if isinstance(products, cls):
            return products
        rows = (
            _cleaned(p) if isinstance(p, Product) else parse_product(p, f"Row {number}")
            for number, p in enumerate(products, start=1)
        )
        held = list(without_duplicates(rows, "The list of products"))
        return cls(lambda: iter(held), "the products given", held=True)

    def select(self, product_ids: Sequence[str | int] | None) -> Catalog:
        """Return the catalogue narrowed to `product_ids`, in the order of the file; None or nothing: all.

        Raises SelectionError, naming the near matches, when an id is not in the catalogue.
        """
        if not product_ids:
            return self
        wanted = {str(i).strip() for i in product_ids}
        found: dict[str, Product] = {}
        known: list[str] = []
        for product in self:
            if product.id in wanted:
                found[product.id] = product
            if len(known) < 10_000:
                known.append(product.id)
        missing = sorted(wanted - found.keys())
        if not known:
            raise SelectionError("The list of products is empty. Give at least one product.")
        if missing:
            raise SelectionError(
                f"Product “{missing[0]}” is not in {Path(self.source).name}."
                f"{did_you_mean(missing[0], known) or f' It has {len(known)} products, the first is “{known[0]}”.'}"
            )
        chosen = list(found.values())
        return Catalog(lambda: iter(chosen), self.source, held=True, sha256=self.sha256)


def without_duplicates(products: Iterator[Product], where: str) -> Iterator[Product]:
    """Yield `products` as they come. Raises CatalogError, naming the file, at the first id that came before."""
    seen: set[str] = set()
    for product in products:
        if product.id in seen:
            raise CatalogError(
                f"{where} has the product id “{product.id}” more than once. Give every product an id of its own."
            )
        seen.add(product.id)
        yield product
