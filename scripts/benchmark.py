"""Measures each part of METER beside a plain reference: ``python scripts/benchmark.py --help``."""

import sys

from benchmarks.command import main

if __name__ == "__main__":
    sys.exit(main())
