"""The feature that is chosen for a pair: the same whatever the others are, and whatever order they come in."""

import pytest
import torch

from meter.evaluate.likeliest_feature import feature_scores, likeliest_feature
from meter.model import PAD, Mask
from meter.train.devices import DeviceConfig, make_fabric
from tests.conftest import small_model

USER, ITEM = torch.tensor([5]), torch.tensor([5])
FEATURES = torch.arange(10, 30)


@pytest.fixture(scope="module")
def fabric():
    return make_fabric(DeviceConfig(accelerator="cpu", precision="32-true"))


@pytest.mark.parametrize("mask", [Mask.peter, Mask.prefix])
def test_no_feature_decides_about_another(mask: Mask, fabric) -> None:
    model = small_model(mask=mask)
    scores = feature_scores(model, USER, ITEM, FEATURES, fabric=fabric)
    for index, feature in enumerate(FEATURES):
        alone = feature_scores(model, USER, ITEM, feature[None], fabric=fabric)
        torch.testing.assert_close(scores[index], alone[0])
    best = FEATURES[likeliest_feature(model, USER, ITEM, FEATURES, fabric=fabric)]
    order = torch.randperm(len(FEATURES), generator=torch.Generator().manual_seed(0))
    assert FEATURES[order][likeliest_feature(model, USER, ITEM, FEATURES[order], fabric=fabric)] == best


def test_with_the_prefix_mask_each_feature_is_scored_where_it_is_given(fabric) -> None:
    """Were one arbitrary feature given to rank them all, that feature would decide which one wins."""
    model = small_model(mask=Mask.prefix)
    words = torch.full((len(FEATURES), model.config.text_length + 1), PAD)
    count = len(FEATURES)
    with torch.no_grad():
        given_each = model(USER.expand(count), ITEM.expand(count), FEATURES, words).context.log_softmax(-1)
    scores = feature_scores(model, USER, ITEM, FEATURES, fabric=fabric)
    torch.testing.assert_close(scores, given_each[torch.arange(count), FEATURES])
    assert len(set(given_each[:, FEATURES].argmax(dim=1).tolist())) > 1
