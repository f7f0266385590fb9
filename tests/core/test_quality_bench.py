"""The promises of the checks, held on the shipped translations."""

from __future__ import annotations

import pytest

from benchmarks.quality import count_false_alarms, main, measure_recall, measure_speed, shipped_rows

ROWS = list(shipped_rows())


def test_every_product_is_there_in_every_shipped_language():
    assert len({row.language.tag for row in ROWS}) >= 12
    assert len(ROWS) >= 1000


def test_right_translations_raise_no_error_and_hardly_a_warning():
    alarms = count_false_alarms(ROWS)
    assert alarms.errors.total() == 0, [(row.language.tag, finding.message) for row, finding in alarms.listed][:10]
    assert alarms.warning_share < 0.02


@pytest.fixture(scope="module")
def tallies():
    return measure_recall(ROWS[:: max(1, len(ROWS) // 350)], seed=11)[0]


def test_planted_errors_are_caught(tallies):
    missed = {t.name: t.share for t in tallies if t.severity == "error" and t.planted > 20 and t.share < 0.97}
    assert missed == {}
    planted = sum(t.planted for t in tallies if t.severity == "error")
    assert sum(t.caught for t in tallies if t.severity == "error") / planted >= 0.99


def test_planted_warnings_are_caught(tallies):
    assert {t.name: t.share for t in tallies if t.severity == "warning" and t.planted > 20 and t.share < 0.9} == {}


def test_checks_are_fast_enough_for_large_catalogues():
    """The promise is 5,000 rows a second; a loaded test machine gets some slack."""
    assert measure_speed(ROWS, rounds=2) > 2500
    assert measure_speed(ROWS[::4], rounds=2, new_sources=True) > 2000


def test_the_bench_prints_its_table_and_writes_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("benchmarks.quality.shipped_rows", lambda: iter(ROWS[:20]))
    file = tmp_path / "quality.md"
    assert main(["--markdown", str(file)]) == 0
    assert "| Errors raised on them | 0 | 0 |" in capsys.readouterr().out
    assert file.read_text("utf-8").startswith("# What the checks find")
