"""Each kind of damage spoils a reply in its own way."""

from __future__ import annotations

import json

import pytest

from ketl.simulator.damage import DAMAGE_KINDS, spoil

SOURCES = {"a": "Black", "b": 'Pocket <b>left</b>, 12" long, ⟦1⟧ and {size}'}
TEXTS = {"a": "Negro", "b": 'Bolsillo <b>izquierdo</b>, 12" de largo, ⟦1⟧ y {size}'}


def spoilt(kind: str) -> str:
    content, applied = spoil(kind, SOURCES, TEXTS, tag="es", pick=0)
    assert applied
    return content


@pytest.mark.parametrize("kind", DAMAGE_KINDS)
def test_every_kind_changes_the_reply_and_does_so_again(kind: str) -> None:
    assert spoilt(kind) != spoil("echo", TEXTS, TEXTS, tag="es", pick=0)[0]
    assert spoilt(kind) == spoilt(kind)


def test_keys_go_missing_or_are_added() -> None:
    assert json.loads(spoilt("missing_key")).keys() == {"b"}
    assert json.loads(spoilt("extra_key")).keys() == {"a", "b", "note"}


@pytest.mark.parametrize(
    ("kind", "key", "expected"),
    [
        ("empty_value", "a", ""),
        ("echo", "a", "Black"),
        ("wrong_script", "a", "Блак"),
        ("swapped_number", "b", 'Bolsillo <b>izquierdo</b>, 92" de largo, ⟦1⟧ y {size}'),
        ("dropped_number", "b", 'Bolsillo <b>izquierdo</b>, " de largo, ⟦1⟧ y {size}'),
        ("broken_tags", "b", 'Bolsillo <bizquierdo</b>, 12" de largo, ⟦1⟧ y {size}'),
        ("lost_placeholders", "b", 'Bolsillo <b>izquierdo</b>, 12" de largo,  y '),
        ("cut_text", "b", "Bolsillo <b>izqui"),
    ],
)
def test_damage_to_one_segment_leaves_the_others(kind: str, key: str, expected: str) -> None:
    reply = json.loads(spoilt(kind))
    assert reply == TEXTS | {key: expected}


def test_damage_that_cannot_show_leaves_the_reply_good() -> None:
    content, applied = spoil("swapped_number", {"a": "Black"}, {"a": "Negro"}, tag="es", pick=3)
    assert not applied and json.loads(content) == {"a": "Negro"}


def test_wrapped_replies_still_hold_the_json() -> None:
    for kind in ("chatter", "code_fence", "think"):
        content = spoilt(kind)
        assert json.loads(content[content.index("{") : content.rindex("}") + 1]) == TEXTS
    with pytest.raises(ValueError):
        json.loads(spoilt("cut_content"))
