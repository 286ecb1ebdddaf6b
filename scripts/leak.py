"""What the mask of §3.4, as printed, leaks: perplexity, generation and rating with and without the review.

    python -m meter.train -m experiment=claims ablation=none,prefix_mask,literal_mask
    python scripts/leak.py 'runs/synthetic/*'

Printed so, u and i see every word. A training pass then knows the sentence that it is asked to predict; a generation
does not, and is made here by encoding again, word for word, what has been said so far.
"""

import argparse
import math
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from meter.compare.runs import find_runs
from meter.config import RunConfig
from meter.data import Prepared, prepare
from meter.errors import InputError
from meter.model import BOS, EOS, PAD, Meter
from meter.run_folder import RunFolder
from meter.train.batches import Batch, Examples, ordered_batches
from meter.train.build import make_examples
from meter.train.objective import text_loss
from meter.world import read_text


@dataclass(kw_only=True, slots=True)
class Leak:
    """One run. Perplexities are of true sentences, word by word; EOS is a word.

    sentence_truth: share of the generated sentences of ``test`` that say the asked feature's true value.
    rmse_given, rmse_hidden: of the rating of ``test``, in stars, with the review in the pass and with none.
    """

    train_perplexity: float
    test_perplexity: float
    sentence_truth: float
    rmse_given: float
    rmse_hidden: float


@torch.no_grad()
def leak(model: Meter, prepared: Prepared, examples: Examples, batch_size: int = 256) -> Leak:
    """Measures a trained model of the synthetic world; as many records of ``train`` as ``test`` has."""
    test = np.sort(prepared.splits["test"])
    train = np.sort(np.random.default_rng(0).choice(prepared.splits["train"], len(test), replace=False))
    right: list[bool] = []
    given: list[Tensor] = []
    hidden: list[Tensor] = []
    for batch in ordered_batches(examples, test, batch_size=batch_size):
        right += map(bool, truths(prepared, batch, said(model, batch)))
        for found, words in ((given, batch.words), (hidden, torch.zeros_like(batch.words))):
            rating = model(batch.users, batch.items, batch.features, words).rating
            found.append((rating - batch.ratings).square())
    return Leak(
        train_perplexity=perplexity(model, examples, train, batch_size),
        test_perplexity=perplexity(model, examples, test, batch_size),
        sentence_truth=sum(right) / len(right),
        rmse_given=torch.cat(given).mean().sqrt().item(),
        rmse_hidden=torch.cat(hidden).mean().sqrt().item(),
    )


def perplexity(model: Meter, examples: Examples, rows: Int[np.ndarray, " R"], batch_size: int) -> float:
    """exp of the mean −log p of all words of these records, each predicted in one pass over the true sentence."""
    total, count = 0.0, 0
    for batch in ordered_batches(examples, rows, batch_size=batch_size):
        output = model(batch.users, batch.items, batch.features, batch.words)
        num_words = len(batch.word_slots)
        total += text_loss(output.text, batch.words).item() * num_words
        count += num_words
    return math.exp(total / count)


def said(model: Meter, batch: Batch) -> Int[Tensor, "B S"]:
    """Greedy sentences by whole passes over what has been said so far: right under any mask."""
    words = torch.full_like(batch.words, PAD)
    going = torch.ones(len(words), dtype=torch.bool, device=words.device)
    for place in range(words.shape[1]):
        logits = model(batch.users, batch.items, batch.features, words).text[:, place]
        logits[:, [PAD, BOS]] = -torch.inf
        words[:, place] = torch.where(going, logits.argmax(dim=-1), PAD)
        going &= words[:, place] != EOS
    return words


def truths(prepared: Prepared, batch: Batch, words: Int[Tensor, "B S"]) -> Iterable[bool]:
    """Whether each sentence says the true value of its record's feature."""
    assert prepared.truth is not None
    for row, sentence in zip(batch.indices.tolist(), words.tolist(), strict=True):
        item, feature = prepared.items[prepared.records.items[row]], prepared.feature(row)
        assert feature is not None
        stated = read_text(" ".join(prepared.vocabulary.decode(sentence))).get(feature)
        yield stated in prepared.truth.values[item][feature]


def measure(folder: Path) -> tuple[RunConfig, Leak]:
    """Opens a finished run and measures it."""
    run = RunFolder(folder)
    config = run.config
    if config.dataset.name != "synthetic" or not run.model_folder.exists():
        raise InputError(f"{folder} is not a finished run of the synthetic world")
    prepared = prepare(config.dataset, Path(config.cache), config.data_seed)
    model = run.model
    if not isinstance(model, Meter):
        raise InputError(f"{folder} has no mask that could leak: it is a run of system={config.system.name}")
    has_feature = config.model.has_feature
    examples = make_examples(prepared, None, has_feature=has_feature, device=torch.device("cpu"))
    return config, leak(model, prepared, examples)


def table(leaks: dict[str, list[Leak]]) -> str:
    """A Markdown row for each mask: mean ± standard deviation over its runs."""
    columns = (
        "perplexity, train",
        "perplexity, test",
        "truth of what it says",
        "RMSE, review given",
        "RMSE, none",
    )
    lines = [f"| mask | runs | {' | '.join(columns)} |", "|---|--:|" + "--:|" * len(columns)]
    for mask in sorted(leaks):
        values = np.array([list(asdict(each).values()) for each in leaks[mask]])
        spread = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(values.shape[1])
        cells = [f"{mean:.3f} ± {sd:.3f}" for mean, sd in zip(values.mean(axis=0), spread, strict=True)]
        lines.append(f"| {mask} | {len(values)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Prints the table for the runs whose ablation is a mask, METER as the paper has it among them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("runs", nargs="+", help="run folders or patterns")
    try:
        leaks: defaultdict[str, list[Leak]] = defaultdict(list)
        for folder in find_runs(parser.parse_args(arguments).runs):
            name = RunFolder(folder).config.name
            if name not in MASKS:
                print(f"left out, its mask is not what sets it apart: {folder}", file=sys.stderr)
                continue
            config, found = measure(folder)
            leaks[config.model.mask.name].append(found)
        if not leaks:
            raise InputError(f"none of these runs is one of {', '.join(sorted(MASKS))}")
    except InputError as fault:
        print(fault, file=sys.stderr)
        return 2
    print(table(leaks))
    return 0


MASKS = {"meter", "prefix_mask", "literal_mask"}
"""Names of the ablations that differ in ``model.mask`` alone."""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
