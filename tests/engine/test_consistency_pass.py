"""Options that recur in other texts are translated first, and those texts are sent with them as terms."""

from __future__ import annotations

import json

from ketl.catalog.catalog import Catalog
from ketl.runs.job import Mode
from tests.fakes import FakeProvider, pseudo, selection, translate, translated


def catalog() -> Catalog:
    return Catalog.of(
        [
            {
                "product_id": 1,
                "product_name": "Ridge Jacket, Midnight",
                "other_details": "The Midnight one hides mud best.",
                "available_colors": ["Midnight", "Sand"],
            },
            {"product_id": 2, "product_name": "Ridge Trousers", "available_colors": ["Sand"]},
        ]
    )


def test_a_text_that_mentions_an_option_waits_for_it_and_carries_its_rendering():
    provider = FakeProvider()
    result = translate(provider, selection(catalog(), "es", "ja"))
    assert result.report["translated"] == 12 and set(provider.asked.values()) == {1}
    begun = {
        text: (at, user)
        for at, _, user in provider.calls
        if user["target_tag"] == "es"
        for text in user["segments"].values()
    }
    title_at, title = begun["Ridge Jacket, Midnight"]
    assert title["glossary"] == {"Midnight": pseudo("Midnight", "es")}
    assert begun["The Midnight one hides mud best."][1]["glossary"] == title["glossary"]
    assert title_at >= begun["Midnight"][0] + 0.49
    assert "glossary" not in begun["Ridge Trousers"][1] and begun["Ridge Trousers"][0] < title_at


def test_an_option_that_fails_holds_nothing_up():
    def answer(call, user, number):
        if "Midnight" in user["segments"].values():
            return json.dumps(dict.fromkeys(user["segments"], "I cannot help with that."))
        return translated(user)

    result = translate(FakeProvider(answer), selection(catalog(), "es"))
    assert result.report["failed"] == 1 and result.report["translated"] == 5


def test_the_baseline_sends_the_same_requests_with_the_same_terms():
    provider = FakeProvider()
    translate(provider, selection(catalog(), "es", mode=Mode.COMPARE, baseline="measured"))
    said = [json.dumps(user, sort_keys=True) for _, _, user in provider.calls]
    half = len(said) // 2
    assert len(said) == 2 * half and sorted(said[:half]) == sorted(said[half:])
