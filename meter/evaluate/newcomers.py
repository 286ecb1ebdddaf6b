"""Who comes after the training: vectors for a user without a history, and for an item without a review.

A user of whom nothing is known gets the mean of all users' vectors. An item is known by its photos: their codes say
what they show, and ridge regression says what vector the model would have learned of such an item. Nothing is trained.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, Integer
from scipy import sparse
from torch import Tensor, nn

from meter.errors import InputError

PENALTIES = tuple(10.0 ** (half / 2) for half in range(-8, 3))
"""Of the ridge regression, in units of the items' mean squared distance from their mean."""
LEAST_ITEMS = 3
"""Items with photos without which there is no regression."""


@dataclass(kw_only=True, slots=True)
class PhotoRegression:
    """From the codes of an item's photos to its vector in the model's table.

    An item is the share of its photos that have code k at place m, for all M · K of them. There are far fewer items
    than such features, so the regression is solved by their products (its dual; Saunders et al., 1998).

    histograms: of the I items that it was made from. products: mean of each with all others, and their mean.
    dual: one weight for each item and number of a vector. mean: of the vectors. penalty: that left-out items chose.
    left_out: for each item, what the regression without it says. explained: the share of the vectors' variance that
    these explain (R²); 0 is the mean item, 1 the item itself.
    """

    histograms: sparse.csr_matrix
    num_codes: int
    product_means: Float64[np.ndarray, "I"]
    dual: Float64[np.ndarray, "I D"]
    mean: Float64[np.ndarray, "D"]
    penalty: float
    left_out: Float64[np.ndarray, "I D"]
    explained: float

    @classmethod
    def fit(
        cls, photos: Sequence[Integer[np.ndarray, "_ M"]], vectors: Float[Tensor, "I D"], num_codes: int
    ) -> "PhotoRegression":
        """Chooses the penalty by leaving out every item in turn, which has a closed form (Allen, 1974).

        photos: the codes of each item's photos, one at least. vectors: their rows of the model's table.

        Raises InputError where there are too few items with photos.
        """
        if len(photos) < LEAST_ITEMS:
            raise InputError(
                f"new items: expected at least {LEAST_ITEMS} items whose training records have photos, found "
                f"{len(photos)}"
            )
        histograms = sparse.csr_matrix(sparse.vstack([histogram(codes, num_codes) for codes in photos]))
        products = (histograms @ histograms.T).toarray()
        product_means = products.mean(axis=1)
        centred = products - product_means - product_means[:, None] + products.mean()
        targets = vectors.detach().double().cpu().numpy()
        mean = targets.mean(axis=0)
        targets = targets - mean
        scale = float(np.trace(centred)) / len(photos) or 1.0  # all items alike
        found = []
        for penalty in PENALTIES:
            inverse = np.linalg.inv(centred + penalty * scale * np.eye(len(photos)))
            smoother = centred @ inverse
            # The mean is estimated from the item, too: 1/I of its own influence.
            own = 1 - np.diag(smoother) - 1 / len(photos)
            errors = (targets - smoother @ targets) / np.maximum(own, 1e-12)[:, None]
            found.append((float((errors**2).sum()), penalty, inverse, errors))
        lost, penalty, inverse, errors = min(found, key=lambda one: one[0])
        return cls(
            histograms=histograms,
            num_codes=num_codes,
            product_means=product_means,
            dual=inverse @ targets,
            mean=mean,
            penalty=penalty,
            left_out=targets + mean - errors,
            explained=1 - lost / max(float((targets**2).sum()), np.finfo(np.float64).tiny),
        )

    def predict(self, codes: Integer[np.ndarray, "P M"]) -> Float[Tensor, " D"]:
        """The vector of an item with these photos."""
        products = (self.histograms @ histogram(codes, self.num_codes).T).toarray()[:, 0]
        centred = products - products.mean() - self.product_means + self.product_means.mean()
        return torch.from_numpy(centred @ self.dual + self.mean).float()


def histogram(codes: Integer[np.ndarray, "P M"], num_codes: int) -> sparse.csr_matrix:
    """The share of P photos that have code k at place m: a row (1, M · K)."""
    num_photos, length = codes.shape
    columns = (np.arange(length) * num_codes + np.asarray(codes, dtype=np.int64)).ravel()
    shares = np.full(columns.size, 1 / num_photos)
    # What is named twice is added up.
    return sparse.csr_matrix((shares, (np.zeros_like(columns), columns)), shape=(1, length * num_codes))


def append_row(table: nn.Embedding, vector: Float[Tensor, " D"]) -> int:
    """Adds a vector to a table, in memory, and returns its row."""
    rows = torch.cat([table.weight.detach(), vector.to(table.weight)[None]])
    table.weight = nn.Parameter(rows, requires_grad=False)
    table.num_embeddings = len(rows)
    return len(rows) - 1
