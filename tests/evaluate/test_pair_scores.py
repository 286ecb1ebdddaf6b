"""Scores of pairs by hand, and beside those that the network itself gives."""

import numpy as np
import pytest
import torch

from meter.disc import Discriminator, DiscriminatorConfig
from meter.evaluate.pair_scores import diagnose_scorer, score_pairs
from tests.conftest import Inputs, small_inputs


def test_a_scorer_by_hand() -> None:
    scores = {"true": np.array([2.0, 0.0]), "swapped": np.array([-1.0, 0.0])}
    found = diagnose_scorer(scores, is_probability=True)
    # Three of the four comparisons are won, one is a tie.
    assert found.pairs["swapped"].auc == 0.875
    assert found.pairs["true"].auc is None
    assert found.pairs["true"].mean == pytest.approx((1 / (1 + np.exp(-2)) + 0.5) / 2)
    assert found.reliability is not None
    assert [one.observed for one in found.reliability.bins if one.count] == [0, 0.5, 1]

    compared = diagnose_scorer(scores, is_probability=False)
    assert compared.pairs["swapped"].auc == 0.875
    assert compared.pairs["swapped"].mean is None
    assert compared.reliability is None


def test_every_kind_of_pair_gets_the_score_that_the_network_itself_gives(inputs: Inputs) -> None:
    torch.manual_seed(0)
    sizes = {"num_words": 50, "num_codes": 16, "grid": [2, 3], "width": 16, "gated": True}
    network = Discriminator(DiscriminatorConfig(**sizes)).eval()
    made = small_inputs((2, 6, 4, 1), seed=1)
    others = np.array([1, 2, 3, 0])
    found = score_pairs(network, inputs.features, inputs.words, inputs.codes, made.words, made.codes, others)
    with torch.no_grad():
        expected = {
            "true": network(inputs.words, inputs.codes, inputs.features),
            "swapped": network(inputs.words, inputs.codes[others], inputs.features),
            "generated_picture": network(inputs.words, made.codes, inputs.features),
            "generated_text": network(made.words, inputs.codes, inputs.features),
            "generated_pair": network(made.words, made.codes, inputs.features),
        }
    assert list(found) == list(expected)
    for kind, logits in expected.items():
        np.testing.assert_allclose(found[kind], logits.numpy(), atol=1e-5)
