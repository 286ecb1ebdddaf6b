"""python -m meter.train [dataset=…] [experiment=…]: a whole run, from the data to metrics and a report."""

from meter.cli import command
from meter.config import RunConfig
from meter.evaluate.sweep_objective import objective_values
from meter.pipeline import run


def train(config: RunConfig) -> float | list[float] | None:
    """Runs everything, and returns what a sweeper wants to know."""
    metrics = run(config)
    # Of several processes, the first one alone has measured.
    return objective_values(metrics, config.evaluation.optimized) if metrics else None


if __name__ == "__main__":
    command(train, RunConfig, "train")
