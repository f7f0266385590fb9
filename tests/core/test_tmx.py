"""TMX written is TMX read, and files of other tools are understood or refused in a sentence."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

import ketl
from ketl.errors import CatalogError
from ketl.formats.tmx_file import TmxUnit, read_tmx, write_tmx
from ketl.results.outcome import Status
from tests.strategies import any_text

FOREIGN = """<?xml version="1.0" encoding="{encoding}"?>
<!DOCTYPE tmx SYSTEM "tmx14.dtd">
<tmx version="1.4"><header creationtool="X" creationtoolversion="1" segtype="sentence" o-tmf="x" adminlang="en"
 srclang="EN-US" datatype="html"/><body>
<tu changedate="20240501T120000Z"><prop type="client">KETL</prop>
 <tuv xml:lang="EN-US"><seg>Soft <bpt i="1">&lt;b&gt;</bpt>shell<ept i="1">&lt;/b&gt;</ept></seg></tuv>
 <tuv xml:lang="DE_de"><seg>Weiche <bpt i="1">&lt;b&gt;</bpt>Schale<ept i="1">&lt;/b&gt;</ept></seg></tuv>
 <tuv xml:lang="tlh"><seg>tlhegh</seg></tuv>
 <tuv lang="fr"><seg>Coque souple</seg></tuv></tu>
<tu><tuv xml:lang="de"><seg>ohne Quelle</seg></tuv></tu>
<tu><tuv xml:lang="en"><seg>Black</seg></tuv><tuv xml:lang="ja"><seg> </seg></tuv></tu>
</body></tmx>"""


def write(path: Path, *units: TmxUnit) -> Path:
    with path.open("wb") as handle:
        assert write_tmx(units, handle) == len(units)
    return path


def carried(text: str) -> str:
    """What XML can hold of a text."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", text)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(any_text, any_text)
def test_what_xml_can_carry_comes_back(tmp_path: Path, source: str, translation: str) -> None:
    unit = TmxUnit(
        source, translation, language_tag="ar", kind="prose", field="details", product_id='4 "<&>',
        status=Status.APPROVED, model="m", fingerprint="f", at=1_700_000_000.0,
    )  # fmt: skip
    found = list(read_tmx(write(tmp_path / "a.tmx", unit)))
    if carried(source).strip() and carried(translation).strip():
        assert [(u.source, u.translation) for u in found] == [(carried(source), carried(translation))]
        assert (found[0].status, found[0].kind, found[0].product_id, found[0].at) == (
            Status.APPROVED, "prose", '4 "<&>', 1_700_000_000.0,
        )  # fmt: skip
    else:
        assert found == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_of_another_tool_counts_as_edited_by_a_person(tmp_path: Path, encoding: str) -> None:
    file = tmp_path / "foreign.tmx"
    file.write_bytes(FOREIGN.format(encoding=encoding).encode(encoding))
    german, french = read_tmx(file)
    assert (german.source, german.translation) == ("Soft <b>shell</b>", "Weiche <b>Schale</b>")
    assert (german.language_tag, german.status, german.kind, german.at) == ("de", Status.EDITED, "", 1_714_564_800.0)
    assert french.translation == "Coque souple"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("<html><body/></html>", "not a TMX file"),
        ("term;translation", "not a readable TMX file"),
        ("<tmx><body><tu></body></tmx>", "not a readable TMX file"),
        ('<!DOCTYPE tmx [<!ENTITY a "aaaa">]><tmx><body/></tmx>', "declares XML entities"),
    ],
)
def test_what_is_no_tmx_or_an_attack_is_refused_in_a_sentence(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "bad.tmx"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(CatalogError, match=said):
        list(read_tmx(file))
    with pytest.raises(CatalogError, match="cannot be read"):
        list(read_tmx(tmp_path / "missing.tmx"))


def test_a_large_file_is_written_and_read_one_unit_at_a_time(tmp_path: Path) -> None:
    """Ten thousand units pass while the reader holds one: its generator hands out the first at once."""
    file = write(tmp_path / "big.tmx", *(TmxUnit(f"Size {n}", f"Talla {n}", language_tag="es") for n in range(10_000)))
    reading = read_tmx(file)
    assert next(reading).source == "Size 0"
    assert sum(1 for _ in reading) == 9_999


def test_the_header_has_the_seven_attributes_of_the_standard() -> None:
    buffer = io.BytesIO()
    write_tmx([], buffer)
    header = re.search(r"<header ([^>]*)/>", buffer.getvalue().decode())
    assert header is not None
    assert set(re.findall(r"([\w-]+)=", header.group(1))) == {
        "creationtool", "creationtoolversion", "segtype", "o-tmf", "adminlang", "srclang", "datatype",
    }  # fmt: skip
    assert f'creationtoolversion="{ketl.__version__}"' in header.group(1)
