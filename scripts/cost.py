"""What a training step costs in time and memory, by a model and as measured: ``python scripts/cost.py --help``."""

import argparse
import sys

import torch
from benchmarks.cost import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument(
        "--quick", action="store_true", help="tiny sizes: proves that it runs; times mean nothing"
    )
    parser.add_argument("--repeats", type=int, default=5, help="timed steps of a case; default: %(default)s")
    asked = parser.parse_args()
    print(main(device=torch.device(asked.device), quick=asked.quick, repeats=asked.repeats))
    sys.exit(0)
