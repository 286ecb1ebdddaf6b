"""python -m meter.evaluate run=DIR: measures a finished run again and writes its report anew."""

from dataclasses import dataclass, field, replace

from meter.cli import command
from meter.errors import InputError
from meter.evaluate.extra_metrics import ExtraMetric
from meter.pipeline import run
from meter.run_folder import RunFolder


@dataclass(kw_only=True, slots=True)
class EvaluateConfig:
    """What to measure."""

    run: str = ""
    """The run folder."""
    extra_metrics: list[ExtraMetric] = field(default_factory=list)
    """Metrics by models from elsewhere, in place of those that the run was told of."""


def evaluate(config: EvaluateConfig) -> None:
    """Runs again, by the run's own config, everything that comes after training."""
    folder = RunFolder(config.run)
    if not config.run or not folder.model_folder.exists():
        raise InputError(f"run={config.run or '?'} is not a finished run; give its folder: run=runs/…")
    evaluation = folder.config.evaluation
    if config.extra_metrics:
        evaluation = replace(evaluation, extra_metrics=config.extra_metrics)
    run(replace(folder.config, evaluation=evaluation), folder)


if __name__ == "__main__":
    command(evaluate, EvaluateConfig, "evaluate")
