"""What the tests share: small models with fixed weights, and examples to feed them."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from torch import Tensor

from meter.evaluate.generations import Generation
from meter.model import EOS, PAD, Meter, ModelConfig

ROOT = Path(__file__).resolve().parents[1]
REAL_DATA = Path(os.environ.get("METER_REAL_DATA", ROOT.parent / "shared/data"))
"""Where real reviews and photos lie, for the tests that skip without them."""

# Toy tensors gain nothing from threads, and two test processes would fight for the cores.
torch.set_num_threads(1)


@dataclass
class Inputs:
    """Ids of a few examples with sentences of different lengths."""

    users: Tensor
    items: Tensor
    features: Tensor
    words: Tensor
    codes: Tensor


def plain_generation(text: str, reference: str, **changes: object) -> Generation:
    """A generated sentence beside its true one, without a picture."""
    values = {
        "split": "test",
        "row": 0,
        "user": "u",
        "item": "i",
        "feature": None,
        "rating": 3.0,
        "predicted_rating": 3.0,
        "reference": reference,
        "cut_reference": reference,
        "text": text,
        "context": [],
        "codes": None,
        "photo": -1,
    }
    return Generation(**{**values, **changes})


def small_config(**changes: object) -> ModelConfig:
    """A model of toy size."""
    settings = {
        "num_users": 9,
        "num_items": 7,
        "num_words": 50,
        "num_codes": 16,
        "text_length": 6,
        "grid": [2, 3],
        "width": 16,
        "layers": 2,
        "heads": 2,
        "feedforward": 32,
        "dropout": 0.0,
    }
    return ModelConfig(**{**settings, **changes})


def small_model(**changes: object) -> Meter:
    """A toy model whose random weights are large enough that every path matters."""
    torch.manual_seed(0)
    model = Meter(small_config(**changes))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.requires_grad and weight.ndim > 1:
                weight.normal_(std=0.5)
    return model.eval()


def small_inputs(lengths: tuple[int, ...] = (6, 3, 1, 5), seed: int = 0) -> Inputs:
    """Random examples for ``small_config``, one for each given sentence length."""
    generator = torch.Generator().manual_seed(seed)
    batch = len(lengths)
    words = torch.randint(4, 50, (batch, 7), generator=generator)
    for row, length in enumerate(lengths):
        words[row, length], words[row, length + 1 :] = EOS, PAD
    return Inputs(
        users=torch.randint(0, 9, (batch,), generator=generator),
        items=torch.randint(0, 7, (batch,), generator=generator),
        features=torch.randint(4, 50, (batch,), generator=generator),
        words=words,
        codes=torch.randint(0, 16, (batch, 6), generator=generator),
    )


@pytest.fixture
def inputs() -> Inputs:
    return small_inputs()
