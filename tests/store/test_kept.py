"""Settings, route statistics and decisions are kept, added up, replaced and forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ketl.results.route_stats import RouteStats
from ketl.store.records import Action, Decision
from ketl.store.store import Store
from tests.store.conftest import Clock

BLACK = Decision(
    product_id="2", field="colors", item=0, language_tag="es", key=b"black-123456", action=Action.EDITED, text="Negro"
)


def test_settings_are_kept_replaced_and_forgotten(store: Store) -> None:
    store.settings.put("limits/llama", {"rpm": 30, "tpm": None})
    store.settings.put("limits/llama", {"rpm": 1000, "tpm": 6000})
    assert store.settings.get("limits/llama") == {"rpm": 1000, "tpm": 6000}
    store.settings.put("limits/llama", None)
    assert store.settings.get("limits/llama") is None


def test_route_statistics_add_up_by_engine(store: Store) -> None:
    one = RouteStats(
        engine="groq", language_tag="ja", kind="prose", model="qwen", answers=10, passed=8, repaired=1, failed=1,
        seconds_sum=4.5, tokens=900, cost_usd=0.002,
    )  # fmt: skip
    store.route_stats.add([one, replace(one, engine="demo")])
    store.route_stats.add([one])
    assert store.route_stats.all("demo") == [replace(one, engine="demo")]
    total = store.route_stats.all("groq")[0]
    assert (total.answers, total.passed, total.seconds_sum, total.tokens) == (20, 16, 9.0, 1800)
    assert total.cost_usd == pytest.approx(0.004)
    store.route_stats.add([])
    assert len(store.route_stats.all()) == 2


def test_a_later_decision_replaces_the_earlier_one_about_the_same_unit_only(store: Store, clock: Clock) -> None:
    name = replace(BLACK, field="name", item=None, action=Action.SENT_BACK, text="", note="Too long.")
    store.decisions.save("run-1", [BLACK, name])
    clock.now += 5
    store.decisions.save("run-1", [replace(BLACK, text="Negro intenso", action=Action.APPROVED)])
    store.decisions.save("run-2", [BLACK])
    made = store.decisions.of("run-1")
    assert made == {
        ("2", "name", None, "es"): replace(name, decided_at=clock.now - 5),
        ("2", "colors", 0, "es"): replace(BLACK, text="Negro intenso", action=Action.APPROVED, decided_at=clock.now),
    }
    store.decisions.remove("run-1", [name, replace(BLACK, language_tag="fr")])
    assert list(store.decisions.of("run-1")) == [("2", "colors", 0, "es")]
    assert len(store.decisions.of("run-2")) == 1


def test_what_a_person_pastes_is_cleaned_not_fatal(store: Store) -> None:
    store.decisions.save("run-1", [replace(BLACK, text="Neg\x00ro\ud800", note="a\x00b")])
    [made] = store.decisions.of("run-1").values()
    assert (made.text, made.note) == ("Negro\ufffd", "ab")
