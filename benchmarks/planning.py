"""Measures what planning a large catalogue takes: seconds and memory of `python -m ketl plan`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.scenarios import TWELVE
from benchmarks.trial import ROOT
from benchmarks.workload import make_products, write_catalog


def measure(folder: Path, products: int) -> str:
    """Plan `products` × 12 languages × 3 texts and return the finding as a sentence."""
    catalog = write_catalog(folder / "large.jsonl", make_products(products))
    facts = folder / "plan-facts.json"
    words = ["plan", "--catalog", str(catalog), "--json"]
    for language in TWELVE:
        words += ["--language", language]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.ours", str(facts), *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    cost, plan = json.loads(facts.read_text()), json.loads(done.stdout)
    return (
        f"Planning {products:,} products × {len(TWELVE)} languages ({plan['units']:,} units, "
        f"{plan['requests']:,} requests): {cost['wall_s']:.1f} s, {cost['peak_mb']:.0f} MB."
    )
