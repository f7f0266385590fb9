"""`python -m ketl`: the command line."""

import sys

from ketl.cli import main

if __name__ == "__main__":
    sys.exit(main())
