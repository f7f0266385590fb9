"""The command line, started as `ketl` or `python -m ketl`."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line; what interrupts it while it is still being loaded is a sentence, too."""
    try:
        from ketl.cli import main as run

        return run()
    except KeyboardInterrupt:
        print("Interrupted before anything was sent.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
