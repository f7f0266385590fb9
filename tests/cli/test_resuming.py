"""`translate --resume` goes on with the catalogue that the run began with: an upload, a changed file, none."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from ketl._figures import duration
from ketl.cli import main
from ketl.formats.catalog_files import open_catalog, open_upload
from ketl.runs.job import Job, job_to_json
from ketl.simulator import RunningSimulator
from ketl.store.records import RunRecord
from ketl.store.store import Store

ROPES = json.dumps([{"product_id": 1, "product_name": "Rope Bag"}, {"product_id": 2, "product_name": "Wool Cap"}])


def begun(job: Job, sha256: str | None) -> None:
    """Write down a run that was interrupted before its first answer."""
    with Store() as store:
        counts = {"units": 2, "languages": 1}
        store.journal.start_run(
            "r1", engine="groq", mode="parallel", spec=job_to_json(job), counts=counts, catalog_sha256=sha256
        )
        store.journal.finish_run("r1", "cancelled")


def record() -> RunRecord | None:
    with Store() as store:
        return store.journal.run("r1")


def resume(folder: Path) -> tuple[int, list[str]]:
    out = folder / "t.csv"
    status = main(["translate", "--resume", "r1", "--out", str(out)])
    if not out.exists():
        return status, []
    with out.open(encoding="utf-8-sig", newline="") as handle:
        return status, [row["source"] for row in csv.DictReader(handle)]


@pytest.mark.usefixtures("keyed")
def test_a_run_of_an_uploaded_catalogue_is_finished_on_the_command_line(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store() as store:
        upload = store.uploads.keep("ropes.json", ROPES.encode())
    begun(Job(catalog="ropes.json", upload=upload, languages=("es",)), open_upload("ropes.json", ROPES.encode()).sha256)
    # A file of that name in the folder is another one.
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ropes.json").write_text("[]")
    assert resume(tmp_path) == (0, ["Rope Bag", "Wool Cap"])
    assert "changed" not in capsys.readouterr().err


@pytest.mark.usefixtures("keyed")
def test_a_file_that_changed_is_told_on_standard_error(tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "ropes.json"
    path.write_text(ROPES)
    begun(Job(catalog=str(path), languages=("es",)), open_catalog(path).sha256)
    path.write_text(ROPES.replace("Wool Cap", "Felt Hat"))
    assert resume(tmp_path) == (0, ["Rope Bag", "Felt Hat"])
    said = capsys.readouterr().err
    assert said.count("The catalogue ropes.json has changed since this run began") == 1


@pytest.mark.usefixtures("keyed")
def test_a_file_that_is_gone_is_a_sentence_and_leaves_the_run_as_it_was(
    simulator: RunningSimulator, tmp_path: Path, capsys: Any
) -> None:
    path = tmp_path / "ropes.json"
    path.write_text(ROPES)
    begun(Job(catalog=str(path), languages=("es",)), open_catalog(path).sha256)
    path.unlink()
    before = record()
    assert resume(tmp_path) == (2, [])
    said = capsys.readouterr().err
    assert "which this run began with, is no longer there" in said and said.count("\n") == 1
    assert record() == before and simulator.stats()["requests"] == 0


@pytest.mark.usefixtures("keyed")
def test_the_last_line_tells_what_was_done_before_and_the_time_from_start_to_file(tmp_path: Path, capsys: Any) -> None:
    begun(Job(products=("1",), fields=("name",), languages=("es", "fr")), None)
    assert resume(tmp_path)[0] == 0
    assert "before" not in capsys.readouterr().err
    report = tmp_path / "r.json"
    assert main(["translate", "--resume", "r1", "--out", str(tmp_path / "t.csv"), "--report", str(report)]) == 0
    made, said = json.loads(report.read_text()), capsys.readouterr().err
    assert made["done_before"] == 2 and made["total_s"] > made["makespan_s"] and made["baseline"]["seconds"] is None
    assert "2 translated, 0 failed, 0 cancelled (2 before the run was resumed) in " in said
    assert f"({duration(made['total_s'])} from start to file)." in said
    assert main(["runs", "--json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["makespan_s"], listed["total_s"]) == (made["makespan_s"], made["total_s"])
