"""What the choice of words gives in variety and takes in likeness to the true sentences: unique sentences against BLEU.

    python scripts/decoding.py runs/tripadvisor/meter-0123abcd

A finished run writes the sentences of its validation split anew, greedily, by beam search, and at random by several
distributions. The choice that is wanted is then ``evaluation.decoding`` of a run, or of ``meter.explain``.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from meter.data import Prepared, prepare
from meter.errors import InputError
from meter.metrics import text_metrics
from meter.metrics.diversity import distinct, match_features
from meter.model import BeamConfig, DecodingConfig, SamplingConfig, System, WordChoice
from meter.run_folder import RunFolder
from meter.train.batches import Examples, ordered_batches
from meter.train.build import make_examples

BATCH_SIZE = 256


def sampled(temperature: float = 1.0, top_p: float = 1.0) -> DecodingConfig:
    """Words at random."""
    sampling = SamplingConfig(temperature=temperature, top_p=top_p)
    return DecodingConfig(words=WordChoice.sample, word_sampling=sampling)


def searched(width: int, length_penalty: float) -> DecodingConfig:
    """Words by beam search."""
    beam = BeamConfig(width=width, length_penalty=length_penalty)
    return DecodingConfig(words=WordChoice.beam, beam=beam)


CHOICES = {
    "greedy": DecodingConfig(),
    "greedy, no unknown word": DecodingConfig(allow_unknown=False),
    "beam 4, penalty 0.6": searched(4, 0.6),
    "beam 4, penalty 1.5": searched(4, 1.5),
    "sampled, temperature 0.3": sampled(temperature=0.3),
    "sampled, temperature 0.5": sampled(temperature=0.5),
    "sampled, temperature 0.7": sampled(temperature=0.7),
    "sampled, top-p 0.9": sampled(top_p=0.9),
    "sampled": sampled(),
}
"""What is tried, by the name of its row."""
COLUMNS = ("BLEU-4", "ROUGE-1 F", "ROUGE-L F", "USR", "distinct-2", "FMR", "words")


@torch.no_grad()
def write_sentences(
    model: System,
    prepared: Prepared,
    examples: Examples,
    rows: np.ndarray,
    decoding: DecodingConfig,
    seed: int,
) -> list[str]:
    """One tokenized sentence for each of these records."""
    generator = torch.Generator().manual_seed(seed)
    sentences = []
    for batch in ordered_batches(examples, rows, batch_size=BATCH_SIZE):
        output = model.generate(
            batch.users, batch.items, batch.features, decoding=decoding, generator=generator, pictures=False
        )
        sentences += [" ".join(prepared.vocabulary.decode(words)) for words in output.words.tolist()]
    return sentences


def row_of(references: Sequence[str], sentences: Sequence[str], features: Sequence[str | None]) -> list[str]:
    """The cells of one choice."""
    text = text_metrics(references, sentences)
    matches = [match for match in match_features(sentences, features) if match is not None]
    values = [
        f"{text.bleu_4:.2f}",
        f"{text.rouge_1.f:.1f}",
        f"{text.rouge_l.f:.1f}",
        f"{len(set(sentences)) / len(sentences):.3f}",
        f"{distinct(sentences, 2) or 0:.3f}",
        f"{np.mean(matches):.3f}" if matches else "–",
        f"{text.generated_length:.1f}",
    ]
    assert len(values) == len(COLUMNS)
    return values


def table(folder: Path, split: str, seed: int) -> str:
    """A Markdown row for each choice. Raises InputError where the run is not finished or has no such split."""
    run = RunFolder(folder)
    config, model = run.config, run.model
    prepared = prepare(config.dataset, Path(config.cache), config.data_seed)
    if split not in prepared.splits:
        raise InputError(f"--split: expected one of {', '.join(prepared.splits)}, found {split}")
    rows = np.sort(prepared.splits[split])
    examples = make_examples(prepared, None, has_feature=config.has_feature, device=torch.device("cpu"))
    references = [prepared.sentence(int(row)) for row in rows]
    features = [prepared.feature(int(row)) for row in rows]
    lines = [f"| words | {' | '.join(COLUMNS)} |", "|---|" + "--:|" * len(COLUMNS)]
    for name, decoding in CHOICES.items():
        sentences = write_sentences(model, prepared, examples, rows, decoding, seed)
        lines.append(f"| {name} | {' | '.join(row_of(references, sentences, features))} |")
    lines.append(f"| the true sentences | {' | '.join(row_of(references, references, features))} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> int:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path, help="a run folder")
    parser.add_argument("--split", default="validation", help="whose sentences are written")
    parser.add_argument("--seed", type=int, default=0, help="of what is sampled")
    options = parser.parse_args(arguments)
    try:
        print(table(options.run, options.split, options.seed))
    except InputError as fault:
        print(fault, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
