"""What a model that draws nothing may be handed of its items' photos: fixed features, as many for every item.

VBPR (He & McAuley, AAAI 2016) adds a learned projection of such features to what it knows of an item; its features are
a classifier's. Here they are the VQ-GAN's, so that all systems of a comparison see photos through the same network.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from meter.data import Prepared
from meter.data.catalogue import training_photos
from meter.errors import InputError

NUM_COMPONENTS = 512
"""Features of an item at most. Nothing is lost where there are no more items than this."""
PHOTOS_AT_ONCE = 256


def picture_features(
    prepared: Prepared, codes: Int[np.ndarray, "P M"], codebook: Float[Tensor, "K C"]
) -> Float[Tensor, "I F"]:
    """The features of every item's photos; 0 for an item without photos.

    The photos are those that suit a training record: what a model that draws may learn from. An item's other photos
    stay unseen: what a guest of the test split saw stands in that guest's photo, and the sentence to be written says
    it.

    The code vectors at all places of the grid, averaged over the item's photos (M · C numbers), standardised over
    items, turned onto their principal components and scaled to a mean squared length of 1: projected by fresh weights,
    they are about as long as an item's own vector.

    codes: of all photos. codebook: the VQ-GAN's code vectors.

    Raises InputError where no training record has a photo.
    """
    shown = training_photos(prepared)
    if not len(shown):
        raise InputError(
            "model.picture_features=true: expected photos in the training split, found none; set it to false"
        )
    items, photos = shown.T
    means = mean_code_vectors(items, photos, codes, codebook.detach().cpu(), len(prepared.items))
    has_photo = torch.zeros(len(means), dtype=torch.bool)
    has_photo[torch.from_numpy(items)] = True
    components = principal_components(standardised(means[has_photo]))
    features = components.new_zeros(len(means), components.shape[1])
    features[has_photo] = components
    return features


def mean_code_vectors(
    items: Int[np.ndarray, " N"],
    photos: Int[np.ndarray, " N"],
    codes: Int[np.ndarray, "P M"],
    codebook: Float[Tensor, "K C"],
    num_items: int,
) -> Float[Tensor, "I F"]:
    """The code vectors of each item's photos, place by place (F = M · C), averaged over them; 0 for an item without.

    items, photos: of N pairs, none twice.
    """
    rows = torch.from_numpy(items).long()
    sums = codebook.new_zeros(num_items, codes.shape[1] * codebook.shape[1])
    for start in range(0, len(photos), PHOTOS_AT_ONCE):
        some = slice(start, start + PHOTOS_AT_ONCE)
        chosen = torch.from_numpy(codes[photos[some]].astype(np.int64))
        sums.index_add_(0, rows[some], codebook[chosen].flatten(1))
    return sums / torch.bincount(rows, minlength=num_items).clamp(min=1)[:, None]


def standardised(features: Float[Tensor, "I F"]) -> Float[Tensor, "I F"]:
    """Every feature with mean 0 and standard deviation 1 over the items; 0 where items differ by rounding only."""
    spread = features.std(dim=0, correction=0)
    alike = spread <= 1e-5 * features.abs().amax()
    return (features - features.mean(dim=0)) / spread.masked_fill(alike, torch.inf)


def principal_components(features: Float[Tensor, "I F"]) -> Float[Tensor, "I Q"]:
    """The coordinates on the Q strongest principal components, with a mean squared length of 1.

    Q is the least of ``NUM_COMPONENTS``, I and F. Randomness outside is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.random.default_generator.manual_seed(0)
        left, strengths, _ = torch.pca_lowrank(features, q=min(NUM_COMPONENTS, *features.shape), center=False)
    components = left * strengths
    length = components.square().sum(dim=1).mean().sqrt()
    return components / length if length > 0 else components
