"""What a sweeper such as Optuna is told of a finished run."""

from collections.abc import Mapping, Sequence
from typing import Any

from meter.errors import InputError
from meter.metrics.labels import look_up


def objective_values(metrics: Mapping[str, Any], keys: Sequence[str]) -> float | list[float] | None:
    """The number for a single key, the numbers for several, None where nothing is optimized.

    metrics: of ``metrics.json``. keys: ``split.section.metric``, such as ``validation.text.bleu_4``.

    Raises InputError where the run has no such number.
    """
    values = []
    for key in keys:
        value = look_up(metrics, key)
        if not isinstance(value, (int, float)):
            splits = ", ".join(name for name in metrics if isinstance(metrics[name], Mapping))
            raise InputError(
                f"evaluation.optimized: expected a number at {key}, found {value}; metrics.json has {splits}, and "
                "docs/metrics.md the names under them"
            )
        values.append(float(value))
    return values[0] if len(values) == 1 else values or None
