"""A plan is a name or a file of figures; anything else is refused with the form it should have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ketl.errors import SettingsError
from ketl.provider.limits import PERIOD_S, UNLIMITED, Limits
from ketl.provider.tiers import DEVELOPER, FREE, load_tier


def test_named_plans_have_the_providers_figures() -> None:
    assert load_tier("free").limits_of("any") == FREE == Limits(rpm=30, tpm=8000, rpd=1000, tpd=200_000)
    assert load_tier("developer").limits_of("any") == DEVELOPER
    assert load_tier("unlimited").limits_of("any") == UNLIMITED == Limits()
    assert not any(load_tier(name).auto for name in ("free", "developer", "unlimited"))


def test_auto_starts_from_the_free_plan_and_follows() -> None:
    plan = load_tier("auto")
    assert plan.auto and plan.limits_of("any") == FREE


def test_a_plan_file_gives_limits_by_model(tmp_path: Path) -> None:
    path = tmp_path / "our-limits.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"a": {"rpm": 600, "rpm_burst": 30, "tpd": None}, "b": {}}).encode())
    plan = load_tier(str(path))
    assert plan.name == "our-limits.json" and plan.path == str(path) and not plan.auto
    assert plan.limits_of("a") == Limits(rpm=600, rpm_burst=30)
    assert plan.limits_of("b") == plan.limits_of("c") == UNLIMITED


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"[1]", b"42", b'"free"', b'{"a": 30}', b'{"a": [30]}', b'{"a": null}', b'{"a": {"rpm": 0}}',
        b'{"a": {"rpm": -1}}', b'{"a": {"rpm": "30"}}', b'{"a": {"rpm": true}}', b'{"a": {"rps": 3}}', b"\xff\xfe{\x00",
        b'{"a": {"rpm": NaN}}', b'{"a": {"rpm": Infinity}}',
    ],
)  # fmt: skip
def test_a_plan_file_of_another_form_is_refused_with_an_example(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "limits.json"
    path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"limits.json cannot be read: it must be JSON of the form"):
        load_tier(str(path))


@pytest.mark.parametrize("word", ["", "pro", "missing.json", "FREE "])
def test_a_plan_that_is_neither_name_nor_file_names_the_choices(word: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="neither auto, free, developer or unlimited"):
        load_tier(word)
    with pytest.raises(SettingsError, match="nor an existing JSON file"):
        load_tier(str(tmp_path))


def test_every_kind_of_limit_has_its_period() -> None:
    assert {kind for kind, seconds in PERIOD_S.items() if seconds == 60} == {"RPM", "TPM", "OTPM", "ITPM"}
    assert {kind for kind, seconds in PERIOD_S.items() if seconds == 86_400} == {"RPD", "TPD"}
