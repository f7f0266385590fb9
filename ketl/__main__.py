"""The command line, started as `python -m ketl`."""

import sys

from ketl.cli import main

if __name__ == "__main__":
    sys.exit(main())
