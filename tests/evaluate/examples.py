"""What the tests of the evaluation share: a few sentences, and examples to feed a small model."""

import numpy as np
import torch

from meter.evaluate.generations import Generation
from meter.train.batches import Batch, Examples
from tests.conftest import Inputs, plain_generation, small_inputs


def generation(user: str, item: str, feature: str | None, text: str, reference: str) -> Generation:
    return plain_generation(text, reference, user=user, item=item, feature=feature)


FIVE = [
    generation("ann", "inn", "pool", "a b", "a b"),
    generation("ann", "pub", "pool", "a b", "c d"),
    generation("bob", "inn", "pool", "c d", "a b c"),
    generation("bob", "pub", "bar", "a b", "e"),
    generation("cat", "inn", None, "e", "a b"),
]


def examples_of(inputs: Inputs, *, with_feature: bool = True, with_codes: bool = True) -> Examples:
    count = len(inputs.users)
    return Examples(
        users=inputs.users.numpy(),
        items=inputs.items.numpy(),
        features=inputs.features.numpy() if with_feature else None,
        words=inputs.words.numpy(),
        ratings=np.full(count, 3.0, dtype=np.float32),
        photos=np.arange(count),
        codes=inputs.codes.numpy() if with_codes else None,
        device=torch.device("cpu"),
    )


def distinct_inputs() -> Inputs:
    """Six examples that agree in the feature two by two, and in nothing else."""
    inputs = small_inputs((6, 3, 1, 5, 4, 2))
    inputs.users, inputs.items = torch.arange(6), torch.arange(6)
    inputs.features = torch.tensor([10, 10, 11, 11, 12, 12])
    return inputs


def batch_of(examples: Examples) -> Batch:
    return examples.batch(torch.arange(len(examples.users)))
