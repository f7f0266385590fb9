"""Nothing is paid for twice, nothing of a person's is lost, and no demo text reaches a live run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from ketl.catalog.products import Product
from ketl.catalog.units import Segment, Text, cut_texts, text_key
from ketl.checks.base import Finding, Severity
from ketl.formats.tmx_file import export_memory, import_memory
from ketl.formats.writing import write_rows
from ketl.language.languages import find_language
from ketl.memory.memory import Former, Memory, MemoryStats, Remembered
from ketl.results.outcome import Outcome, Status
from ketl.results.rows import ResultRow
from ketl.store.store import Store
from ketl.store.tables import MEMORY

SPANISH = find_language("Spanish")
HOODIE = Remembered(
    key=text_key("title", "Sunshirk Sun Hoodie"),
    language_tag="es",
    kind="title",
    source="Sunshirk Sun Hoodie",
    translation="Sudadera Sunshirk",
    fingerprint="prompt-1",
    model="llama-3.3-70b-versatile",
    run_id="run-1",
    findings=(Finding("length-ratio", Severity.INFO, "Short."),),
    product_id="1",
    field="name",
)
EDITED = replace(HOODIE, translation="Sudadera solar Sunshirk", status=Status.EDITED)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(f"sqlite:///{tmp_path / 'ketl.sqlite3'}", clock=lambda: 1_700_000_000.0) as opened:
        yield opened


@pytest.fixture
def memory(store: Store) -> Memory:
    return Memory(store, "groq")


def segment(entry: Remembered) -> Segment:
    return Segment(entry.key, entry.kind, entry.source, find_language(entry.language_tag))


def recalled(memory: Memory, entry: Remembered = HOODIE, fingerprint: str = "prompt-1") -> str | None:
    wanted = segment(entry)
    found = memory.recall({wanted.id: fingerprint}).get(wanted.id)
    return found.text if found else None


def name_of(product_id: str, name: str) -> Text:
    return next(cut_texts(Product(product_id, {"name": name}), ["name"]))


def test_the_same_text_under_the_same_prompt_is_recalled_whole(memory: Memory) -> None:
    assert memory.remember([HOODIE]) == 1
    found = memory.recall({segment(HOODIE).id: "prompt-1"})
    assert found == {
        segment(HOODIE).id: Outcome(
            key=HOODIE.key,
            language_tag="es",
            status=Status.TRANSLATED,
            text=HOODIE.translation,
            model=HOODIE.model,
            findings=HOODIE.findings,
            from_memory=True,
            kind="title",
        )
    }
    assert list(memory.entries()) == [replace(HOODIE, at=1_700_000_000.0)]


def test_another_prompt_kind_or_language_is_not_served(memory: Memory) -> None:
    memory.remember([HOODIE])
    assert recalled(memory, fingerprint="prompt-2") is None
    assert recalled(memory, replace(HOODIE, language_tag="fr")) is None
    assert recalled(memory, replace(HOODIE, kind="prose", key=text_key("prose", HOODIE.source))) is None


def test_a_demo_text_is_never_served_to_a_live_run(store: Store, memory: Memory) -> None:
    Memory(store, "demo").remember([EDITED, replace(HOODIE, language_tag="fr")])
    assert recalled(memory) is None
    assert recalled(Memory(store, "demo")) == EDITED.translation


def test_a_persons_translation_is_preferred_whatever_the_prompt_and_stays(memory: Memory) -> None:
    memory.remember([EDITED])
    assert memory.remember([HOODIE, replace(EDITED, translation="von einer Datei")]) == 0
    assert recalled(memory) == recalled(memory, fingerprint="prompt-9") == EDITED.translation


def test_an_edit_after_the_machines_text_wins_and_unlocking_brings_that_back(memory: Memory) -> None:
    memory.remember([HOODIE])
    memory.remember([EDITED])
    assert recalled(memory) == EDITED.translation
    assert memory.unlock([(EDITED.key, "es")]) == 1
    assert recalled(memory) == HOODIE.translation


def test_told_to_overwrite_the_machines_text_replaces_a_persons(memory: Memory) -> None:
    memory.remember([EDITED])
    assert memory.remember([HOODIE], overwrite=True) == 1
    assert recalled(memory) == HOODIE.translation
    assert recalled(memory, fingerprint="prompt-2") is None


def test_a_person_who_writes_between_our_look_and_our_writing_keeps_their_text(
    memory: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory.remember([EDITED])
    # As another process sees it that looked a moment before the edit.
    monkeypatch.setattr(memory, "_locked", lambda connection, batch: set())
    memory.remember([replace(EDITED, translation="von einer Datei", status=Status.APPROVED)])
    memory.remember([HOODIE])
    assert recalled(memory) == EDITED.translation


def test_failed_and_blank_entries_are_not_remembered(memory: Memory) -> None:
    assert memory.remember([replace(HOODIE, status=Status.FAILED), replace(HOODIE, translation=" ")]) == 0
    with pytest.raises(ValueError, match="fingerprint"):
        memory.remember([replace(HOODIE, fingerprint="")])


def test_thousands_are_recalled_in_batches(memory: Memory) -> None:
    many = [
        replace(HOODIE, source=f"Size {n}", key=text_key("title", f"Size {n}"), language_tag=tag, item=n)
        for n in range(1_200)
        for tag in ("es", "ja")
    ]
    assert memory.remember(iter(many)) == 2_400
    wanted = [segment(entry) for entry in many]
    found = memory.recall({s.id: "prompt-1" for s in wanted})
    assert len(found) == 2_400
    assert all(found[s.id].key == s.key for s in wanted)


def test_entries_may_be_drawn_from_the_same_database_while_they_are_kept(store: Store, memory: Memory) -> None:
    def entries() -> Iterator[Remembered]:
        for number in range(600):
            store.settings.put("last", number)
            yield replace(HOODIE, key=text_key("title", str(number)))

    assert memory.remember(entries()) == 600
    assert store.settings.get("last") == 599


def test_a_changed_source_shows_its_old_text_before_and_after_it_is_translated(memory: Memory) -> None:
    memory.remember([EDITED])
    new = name_of("1", "Sunshirk Sun Hoodie V.2")
    old = Former("Sunshirk Sun Hoodie", EDITED.translation, Status.EDITED)
    assert memory.outdated(name_of("1", "Sunshirk Sun Hoodie"), SPANISH) is None
    assert memory.outdated(new, SPANISH) == old
    assert memory.outdated(new, find_language("French")) is None
    assert memory.outdated(name_of("2", "Sunshirk Sun Hoodie V.2"), SPANISH) is None
    memory.note_units([new], "es")
    memory.note_units([new], "es")
    assert memory.former([new, name_of("2", "Other")], "es") == {("1", "name", None): old}


def test_clearing_keeps_a_persons_work_unless_told(store: Store, memory: Memory) -> None:
    black = replace(HOODIE, source="Black", key=text_key("option", "Black"), kind="option", language_tag="fr", at=5.0)
    memory.remember([EDITED, black])
    Memory(store, "demo").remember([HOODIE])
    assert memory.stats() == [
        MemoryStats(engine="demo", language_tag="es", translations=1, locked=0),
        MemoryStats(engine="groq", language_tag="es", translations=1, locked=1),
        MemoryStats(engine="groq", language_tag="fr", translations=1, locked=0),
    ]
    assert memory.clear("groq", SPANISH) == 0
    assert memory.clear("groq", before=5.0) == 0
    assert memory.clear(before=6.0) == 1
    assert memory.clear() == 1
    assert [entry.status for entry in memory.entries()] == [Status.EDITED]
    assert memory.clear(include_locked=True) == 1


def test_a_memory_carried_over_as_tmx_serves_the_same(tmp_path: Path, store: Store, memory: Memory) -> None:
    french = replace(EDITED, language_tag="fr", translation="Sweat Sunshirk", status=Status.APPROVED)
    memory.remember([HOODIE, french])
    with (tmp_path / "memory.tmx").open("wb") as handle:
        assert export_memory(memory, handle) == 2
    memory.clear(include_locked=True)
    assert import_memory(memory, tmp_path / "memory.tmx") == 2
    assert recalled(memory) == HOODIE.translation
    assert recalled(memory, fingerprint="prompt-2") is None
    assert recalled(memory, french, "prompt-2") == "Sweat Sunshirk"


def test_a_runs_own_export_taken_into_the_memory_counts_as_chosen_by_a_person(tmp_path: Path, memory: Memory) -> None:
    row = ResultRow(
        product_id="1",
        product_name=HOODIE.source,
        field="name",
        item=None,
        language="Spanish",
        language_tag="es",
        source=HOODIE.source,
        translation=HOODIE.translation,
        status=Status.TRANSLATED,
        model=HOODIE.model,
        findings=(),
        seconds=0.4,
        from_memory=False,
        reason="",
    )
    failed = row._replace(product_id="2", translation="", status=Status.FAILED, reason="No answer.")
    assert write_rows([row, failed], tmp_path / "run.tmx") == 1
    assert import_memory(memory, tmp_path / "run.tmx") == 1
    assert memory.stats() == [MemoryStats(engine="groq", language_tag="es", translations=1, locked=1)]
    assert recalled(memory, fingerprint="whatever the prompt is") == HOODIE.translation


def test_an_agencys_tmx_is_locked_and_serves_every_field(tmp_path: Path, memory: Memory) -> None:
    (tmp_path / "agency.tmx").write_text(
        '<tmx version="1.4"><header srclang="en"/><body><tu><tuv xml:lang="en"><seg>Black</seg></tuv>'
        '<tuv xml:lang="es"><seg>Negro</seg></tuv></tu></body></tmx>',
        encoding="utf-8",
    )
    import_memory(memory, tmp_path / "agency.tmx")
    for kind in ("option", "title", "prose"):
        entry = replace(HOODIE, source="Black", kind=kind, key=text_key(kind, "Black"))
        assert recalled(memory, entry, "any") == "Negro"


@pytest.mark.parametrize("damage", [{"status": "pending"}, {"findings": "{"}])
def test_a_damaged_translation_is_one_that_is_not_known(store: Store, memory: Memory, damage: dict[str, str]) -> None:
    memory.remember([HOODIE, replace(HOODIE, key=text_key("title", "Sock"), source="Sock", translation="Calcetín")])
    with store.database.transaction() as connection:
        connection.execute(update(MEMORY).where(MEMORY.c.source == HOODIE.source).values(damage))
    assert recalled(memory) is None
    assert recalled(memory, replace(HOODIE, key=text_key("title", "Sock"), source="Sock")) == "Calcetín"
