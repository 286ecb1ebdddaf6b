"""The feature word to speak of where the user of a model names none."""

from typing import TYPE_CHECKING

import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.model import PAD, Mask, Meter

if TYPE_CHECKING:
    from lightning_fabric import Fabric

BATCH_SIZE = 64


def likeliest_feature(
    model: Meter,
    user: Int[Tensor, " 1"],
    item: Int[Tensor, " 1"],
    features: Int[Tensor, " F"],
    *,
    fabric: "Fabric",
) -> int:
    """Which of F feature words (numbers of the vocabulary) the context head finds likeliest for a pair; its index.

    With ``mask=peter`` the context head does not see the given feature word, so one pass ranks all features. With
    ``mask=prefix`` it does see it, and an arbitrary feature would decide which one is likeliest. There each feature
    is scored in a pass in which it is itself given: the model is surest to speak of the winner once asked to.
    """
    return int(feature_scores(model, user, item, features, fabric=fabric).argmax())


@torch.no_grad()
def feature_scores(
    model: Meter,
    user: Int[Tensor, " 1"],
    item: Int[Tensor, " 1"],
    features: Int[Tensor, " F"],
    *,
    fabric: "Fabric",
) -> Float[Tensor, " F"]:
    """The context head's log-probability of each feature word, as ``likeliest_feature`` compares them."""

    def context(given: Int[Tensor, " G"]) -> Float[Tensor, "G W"]:
        count = len(given)
        words = torch.full((count, model.config.text_length + 1), PAD, device=given.device)
        with fabric.autocast():
            output = model(user.expand(count), item.expand(count), given, words)
        return output.context.float().log_softmax(dim=-1)

    if model.config.mask is not Mask.prefix:
        return context(features[:1])[0, features]
    return torch.cat([context(some).gather(1, some[:, None])[:, 0] for some in features.split(BATCH_SIZE)])
