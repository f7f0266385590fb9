"""Looks the locked dependencies up for known vulnerabilities: a found one fails, an unreachable service is only said.

Usage: audit.py PIP_AUDIT LOCK, where PIP_AUDIT is the command to run and LOCK the file with exact versions.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def verdict(report: Mapping[str, Any] | None) -> tuple[int, list[str]]:
    """Return the exit status for what pip-audit wrote (None: nothing) and the lines to say."""
    rows = list((report or {}).get("dependencies", ()))
    # pip-audit calls it a success when it could look nothing up; we say so instead.
    looked_up = [row for row in rows if "vulns" in row]
    found = [
        f"{row['name']} {row['version']}: {vulnerability['id']}, mended in "
        + (", ".join(vulnerability.get("fix_versions", ())) or "no version so far")
        for row in looked_up
        for vulnerability in row["vulns"]
    ]
    if found:
        return 1, ["Known vulnerabilities in locked dependencies:", *found]
    if not looked_up:
        return 0, ["NOT AUDITED: no vulnerability service could be reached from here, so nothing is known either way."]
    said = [f"Audited {len(looked_up)} locked dependencies: no known vulnerability."]
    if missed := [str(row["name"]) for row in rows if "vulns" not in row]:
        said.append(f"NOT AUDITED, since the service did not know them: {', '.join(missed)}.")
    return 0, said


def main(pip_audit: str, lock: str) -> int:
    """Run pip-audit on the lock, asking one service and, if that says nothing, the other."""
    status, said = 0, ["NOT AUDITED: pip-audit did not run."]
    for service in ("pypi", "osv"):
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "audit.json"
            command = [pip_audit, "-r", lock, "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
            try:
                subprocess.run([*command, "-s", service, "-f", "json", "-o", out], capture_output=True, timeout=240)
                report = json.loads(out.read_text("utf-8")) if out.exists() and out.stat().st_size else None
            except (OSError, ValueError, subprocess.TimeoutExpired):
                report = None
        status, said = verdict(report)
        if status or not said[0].startswith("NOT AUDITED"):
            break
    print("\n".join(said))
    return status


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
