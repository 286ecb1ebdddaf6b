"""python -m meter.train [dataset=…] [experiment=…]: a whole run, from the data to metrics and a report."""

from meter.cli import command
from meter.config import RunConfig
from meter.pipeline import run

if __name__ == "__main__":
    command(run, RunConfig, "train")
