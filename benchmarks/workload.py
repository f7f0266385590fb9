"""Makes the catalogues and the requests that every contestant of the speed benchmark is given alike."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ketl.catalog.products import find_fields
from ketl.catalog.units import Segment, cut_texts
from ketl.engine.request import estimate
from ketl.formats.catalog_files import open_catalog
from ketl.language.brand_voice import BrandVoice
from ketl.language.glossary import Glossary
from ketl.language.languages import Language, find_languages
from ketl.prompts.brief import Brief
from ketl.prompts.prepared import Prepared
from ketl.provider.lane import Lane
from ketl.provider.limits import UNLIMITED
from ketl.provider.models import model_facts

_PLACES = "ridge creek summit meadow gravel timber canyon glacier harbour trail forest valley".split()
_LOOKS = "faded bright quiet rugged airy dense woven brushed matte speckled".split()
_THINGS = "hoodie pant jacket tee short vest sock mitten beanie pullover".split()
_SAYS = (
    "It dries while you argue about the route.",
    "The pocket holds a phone, a snack and one good excuse.",
    "Seams lie flat, so a pack strap has nothing to rub.",
    "Cut for riders who stop often and call it the view.",
    "Weighs 121g and packs down to the size of an apple.",
    "The hem stays put when you reach for the next hold.",
    "Cuffs close tight against wind, rain and small insects.",
)


_FIELDS = ("other_details", "product_features", "product_name")


def make_products(number: int, *, texts: int = 3, spread: float = 0.0, seed: int = 7) -> Iterator[dict[str, Any]]:
    """Yield catalogue rows of 1 to 3 `texts`; no two texts are equal.

    `spread` is the sigma of the log-normal lengths, zero for lengths that differ by a few words only.
    """
    rng = random.Random(seed)
    for ident in range(1, number + 1):
        title = f"{rng.choice(_LOOKS)} {rng.choice(_PLACES)} {rng.choice(_THINGS)} {ident}".title()
        sentences = rng.sample(_SAYS, max(1, min(7, round(2 * rng.lognormvariate(0.0, spread)))))
        row: dict[str, Any] = {
            "product_id": ident,
            "product_name": title,
            "product_features": f"Quick-dry, breathable, {ident} stitched details, {rng.choice(_LOOKS)} finish",
            "other_details": f"Number {ident} of the {rng.choice(_PLACES)} line. {' '.join(sentences)}",
        }
        yield {key: row[key] for key in ("product_id", *_FIELDS[:texts])}


def write_catalog(path: Path, rows: Iterator[dict[str, Any]]) -> Path:
    """Write rows as a .jsonl catalogue and return its path."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row) + "\n")
    return path


def segments_of(catalog: Path, languages: list[str]) -> Iterator[Prepared]:
    """Yield what a run of this selection must translate, one segment at a time."""
    brief = Brief(Glossary.load("none"), BrandVoice.load())
    fields = find_fields(())
    for product in open_catalog(str(catalog)):
        texts = list(cut_texts(product, fields))
        for language in find_languages(languages):
            for text in texts:
                yield brief.prepare(Segment(text.key, text.kind, text.source, language))


def peer_items(catalog: Path, languages: list[str], models: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the peers' items: the very call that ours makes with one segment a request, models in turn."""
    brief = Brief(Glossary.load("none"), BrandVoice.load())
    lanes = {name: Lane(model_facts(name), UNLIMITED, auto=False) for name in models}
    for number, item in enumerate(segments_of(catalog, languages)):
        language: Language = item.segment.language
        lane = lanes[models[number % len(models)]]
        _, completion = estimate([item])
        call = brief.call([item], language, lane.model, lane.ceiling(language.tag, completion), {})
        yield {
            "model": call.model,
            "messages": [{"role": "system", "content": call.system}, {"role": "user", "content": call.user}],
            "max_completion_tokens": call.max_completion_tokens,
            "extra": dict(call.extra),
        }
