"""What the discriminator brings: agreement of sentences and pictures, and what D can tell apart, for each λd.

    python -m meter.train -m experiment=claims ablation=none objective.lambda_d=0,0.03,0.1,0.3,1
    python scripts/discriminator.py 'runs/synthetic/*'

Runs of the grounded world that differ in λd and seed alone. D is asked for pairs of ``test`` with the weights that
validated best; the matcher, which no run trains against, is asked the same.
"""

import argparse
import statistics
import sys
from collections import defaultdict
from collections.abc import Sequence

from meter.compare.runs import find_runs, open_run
from meter.compare.systems import group_by_system
from meter.errors import InputError
from meter.metrics.labels import look_up
from meter.run_folder import RunFolder

COLUMNS = {
    "truth, test": "test.truth.sentence_truth",
    "agreement, test": "test.truth.agreement",
    "truth, unseen": "unseen.truth.sentence_truth",
    "agreement, unseen": "unseen.truth.agreement",
    "D: swapped": "diagnosis.pair_scores.scorers.discriminator.pairs.swapped.auc",
    "D: (E, V̂)": "diagnosis.pair_scores.scorers.discriminator.pairs.generated_picture.auc",
    "D: (Ê, V)": "diagnosis.pair_scores.scorers.discriminator.pairs.generated_text.auc",
    "matcher: swapped": "diagnosis.pair_scores.scorers.matcher.pairs.swapped.auc",
    "matcher: (Ê, V̂)": "diagnosis.pair_scores.scorers.matcher.pairs.generated_pair.auc",
}
"""Where each figure stands in ``metrics.json``; an AUC is of true pairs against these, and .5 is chance."""


def cell(values: Sequence[float | None]) -> str:
    """Mean ± standard deviation over runs."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    spread = statistics.stdev(known) if len(known) > 1 else 0.0
    return f"{statistics.mean(known):.3f} ± {spread:.3f}"


def table(runs: Sequence[RunFolder]) -> str:
    """A Markdown row for each λd. Raises InputError where the runs differ in more."""
    by_weight: defaultdict[float, list[RunFolder]] = defaultdict(list)
    for system in group_by_system(runs):
        weight = system.runs[0].config.objective.lambda_d
        if weight in by_weight:
            raise InputError(
                f"λd {weight} stands for several systems, {by_weight[weight][0].path} and {system.runs[0].path} "
                "among them: give runs that differ in objective.lambda_d and seed alone"
            )
        by_weight[weight] = system.runs
    lines = [f"| λd | runs | {' | '.join(COLUMNS)} |", "|--:|--:|" + "--:|" * len(COLUMNS)]
    for weight, members in sorted(by_weight.items()):
        cells = [cell([look_up(run.metrics, path) for run in members]) for path in COLUMNS.values()]
        lines.append(f"| {weight:g} | {len(members)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", help="run folders or patterns")
    try:
        print(table([open_run(folder) for folder in find_runs(parser.parse_args(arguments).runs)]))
    except InputError as fault:
        print(fault, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
