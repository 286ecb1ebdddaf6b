"""A finished run made by hand: a toy model with random weights, and everything that lies beside it."""

from pathlib import Path

import numpy as np
import torch

from meter.config import RunConfig
from meter.data import SPECIAL_WORDS, Vocabulary
from meter.data.catalogue import Catalogue
from meter.run_folder import RunFolder, RunNames
from meter.storage.json_file import write_json
from meter.vq import VQGAN, VQConfig
from tests.conftest import small_model

USERS = [f"guest-{number}" for number in range(9)]
ITEMS = [f"inn-{number}" for number in range(7)]
FEATURES = ["bed", "pool", "view"]
WORDS = [*FEATURES, *(f"word{number}" for number in range(43))]
CODES = np.arange(80).reshape(5, 16) * 7 % 16
"""Of five photos."""
METRICS = {
    "test": {
        "rating": {"rmse": 0.9683, "signature": "rating|clipped:no|version:4"},
        "text": {"bleu_4": 3.4258, "signature": "text|references:whole|version:4"},
        "match": {"recall_at_5": 0.04},
    },
    "diagnosis": {"sentences": ["the bed was soft"]},
}


def catalogue() -> Catalogue:
    """Inn 0 has four records and three photos, inn 1 two records; nobody wrote about the others."""
    return Catalogue(
        user_reviews=[4, 2, 0, 0, 0, 0, 0, 0, 0],
        user_ratings=[3.5, 5.0, None, None, None, None, None, None, None],
        item_reviews=[4, 2, 0, 0, 0, 0, 0],
        item_ratings=[4.25, 3.0, None, None, None, None, None],
        item_features=[{"pool": 3, "bed": 1}, {"bed": 2}, {}, {}, {}, {}, {}],
        item_photos=[{"bed": [2], "pool": [0, 2, 4]}, {"bed": [1]}, {}, {}, {}, {}, {}],
    )


def make_run(folder: Path, **changes: object) -> RunFolder:
    """Writes the run. changes: of the model's sizes."""
    run = RunFolder(folder)
    run.save_config(RunConfig(name="toy"))
    manifest = {
        "format": 1,
        "package": "0.1.0",
        "command": "python -m meter.train cache=/home/ann/cache",
        "torch": "2.13.0",
        "machine": "x86_64",
        "precision": "32-true",
        "seconds": {"joint training": 12.5},
    }
    write_json(run.manifest_file, manifest)
    write_json(run.metrics_file, METRICS)
    names = RunNames(
        users=USERS, items=ITEMS, features=FEATURES, dataset="toy", lowest_rating=1.0, highest_rating=5.0
    )
    write_json(run.names_file, names)
    Vocabulary([*SPECIAL_WORDS, *WORDS]).save(run.vocabulary_file)
    small_model(**{"grid": [4, 4], **changes}).save_pretrained(run.model_folder)
    catalogue().save(run.catalogue_file)
    if changes.get("num_codes", 16):
        np.save(run.photo_codes_file, CODES.astype(np.uint16))
        torch.manual_seed(0)
        sizes = VQConfig(
            image_size=8,
            channels=32,
            multipliers=[1, 1],
            num_residual_blocks=1,
            attention_sizes=[],
            latent_width=32,
            code_width=8,
            num_codes=16,
        )
        VQGAN(sizes).save_pretrained(run.vq_folder)
    return run
