"""CLIPScore and FID: metrics of pictures by the vectors that an image model from elsewhere gives them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from meter.errors import InputError
from meter.metrics.version import signature

CLIP_WEIGHT = 2.5
"""w: stretches the scores, which seldom exceed .4, to about 0 … 1."""


@dataclass(kw_only=True, slots=True)
class ClipScore:
    """How well pictures suit their sentences, to an image–text model."""

    mean: float
    """w · max(cosine, 0), mean over pairs."""
    count: int
    """Pairs."""
    signature: str


@dataclass(kw_only=True, slots=True)
class FrechetDistance:
    """How far two sets of pictures are apart, as sets."""

    distance: float
    """Lower is nearer; 0 for vectors of equal mean and covariance."""
    count: int
    """Generated pictures."""
    count_of_photos: int
    signature: str


def clip_score(images: Float[np.ndarray, "N E"], texts: Float[np.ndarray, "N E"], model: str) -> ClipScore:
    """CLIPScore (Hessel et al. 2021) without reference sentences: the mean of 2.5 · max(cosine, 0).

    Args:
        images: vectors of the pictures.
        texts: vectors of their sentences, same order.
        model: which model made both, for the signature.

    Raises:
        InputError: there is no pair.
    """
    if len(images) == 0:
        raise InputError("CLIPScore needs a picture at least, found none")
    lengths = np.linalg.norm(images, axis=1) * np.linalg.norm(texts, axis=1)
    cosines = (images * texts).sum(axis=1) / np.maximum(lengths, 1e-12)
    return ClipScore(
        mean=float(CLIP_WEIGHT * np.maximum(cosines, 0).mean()),
        count=len(images),
        signature=signature("clipscore", model=model, weight=CLIP_WEIGHT),
    )


def frechet_distance(
    generated: Float[np.ndarray, "N E"], photos: Float[np.ndarray, "R E"], model: str
) -> FrechetDistance:
    """FID (Heusel et al. 2017): |μ − μ'|² + tr(Σ + Σ' − 2 (ΣΣ')^½), of vectors of pictures and of photos.

    It is biased by the number of pictures, strongly below some thousand: compare equal numbers only.

    Args:
        generated: vectors of generated pictures.
        photos: vectors of photos.
        model: which model made both, for the signature.

    Raises:
        InputError: fewer than two pictures or photos.
    """
    if min(len(generated), len(photos)) < 2:
        raise InputError(
            f"FID needs two pictures and two photos at least, found {len(generated)} and {len(photos)}"
        )
    first, second = _root(generated), _root(photos)
    # With Σ = AᵀA and Σ' = BᵀB the eigenvalues of ΣΣ' are the squared singular values of ABᵀ.
    shared = np.linalg.svd(first @ second.T, compute_uv=False).sum()
    apart = ((generated.mean(axis=0) - photos.mean(axis=0)) ** 2).sum()
    return FrechetDistance(
        distance=float(max(apart + (first**2).sum() + (second**2).sum() - 2 * shared, 0.0)),
        count=len(generated),
        count_of_photos=len(photos),
        signature=signature("fid", model=model),
    )


def _root(vectors: Float[np.ndarray, "N E"]) -> Float[np.ndarray, "K E"]:
    """A with AᵀA = Σ, the covariance, of as few rows as it needs."""
    centred = (vectors - vectors.mean(axis=0)).astype(np.float64) / np.sqrt(len(vectors) - 1)
    return np.asarray(np.linalg.qr(centred, mode="r"))
