"""Metrics by models from elsewhere, each asked for by name and behind an extra: BERTScore, CLIPScore, MAUVE, FID."""

import enum
import importlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8

from meter.data import Prepared
from meter.data.clip import ClipConfig, open_clip_model
from meter.errors import InputError
from meter.evaluate.generations import Generation
from meter.evaluate.network_inputs import decode_pictures
from meter.metrics.image_models import clip_score, frechet_distance
from meter.metrics.text_models import bert_score, mauve_score
from meter.vq import VQGAN

CLIP_PROMPT = "A photo depicts "
"""Stands before every sentence, as in CLIPScore's paper."""
INCEPTION, INCEPTION_LAYER = "inception-v3-compat", "2048"
"""The network and the layer that FID is defined by, as torch-fidelity calls them."""
NUM_AT_ONCE = 64
"""Pictures that are decoded and encoded at once."""

Encode = Callable[[UInt8[np.ndarray, "B S S 3"]], Float[np.ndarray, "B E"]]


class ExtraMetric(enum.Enum):
    """A metric that is measured where it is asked for."""

    bertscore = "bertscore"
    """Likeness of generated and true sentences, word by word (Zhang et al. 2020)."""
    clipscore = "clipscore"
    """How well the picture suits its sentence, by the image–text model of ``dataset.clip`` (Hessel et al. 2021)."""
    mauve = "mauve"
    """How near the generated sentences as a whole are to the true ones (Pillutla et al. 2021)."""
    fid = "fid"
    """How near the generated pictures as a whole are to the photos (Heusel et al. 2017)."""


PACKAGES = {
    ExtraMetric.bertscore: ("bert_score", "bertscore"),
    ExtraMetric.clipscore: ("open_clip", "clip"),
    ExtraMetric.mauve: ("mauve", "mauve"),
    ExtraMetric.fid: ("torch_fidelity", "fid"),
}
"""What is imported for each, and the extra that installs it."""
OF_PICTURES = (ExtraMetric.clipscore, ExtraMetric.fid)


def import_packages(asked: Sequence[ExtraMetric]) -> dict[ExtraMetric, Any]:
    """The package of each metric. A run calls this first, so that nothing is missing after hours of training.

    Raises:
        InputError: a package is not installed, or cannot be imported.
    """
    packages = {}
    for metric in asked:
        name, extra = PACKAGES[metric]
        try:
            packages[metric] = importlib.import_module(name)
        except (ImportError, RuntimeError) as fault:
            raise InputError(
                f"evaluation.extra_metrics: {metric.value} needs the package {name} ({fault}): "
                f"pip install 'meter-explain[{extra}]', or leave {metric.value} out"
            ) from None
    return packages


def measure_extra(
    asked: Sequence[ExtraMetric],
    generated: Sequence[Generation],
    prepared: Prepared,
    vq: VQGAN | None,
    clip: ClipConfig,
) -> dict[str, dict[str, dict[str, Any]]]:
    """The metrics that are asked for, ``{split: {section: {metric: value}}}``; those of pictures where there are some.

    clip: the image–text model of CLIPScore.

    Raises:
        InputError: a package or the weights are missing.
    """
    packages = import_packages(asked)
    measured: dict[str, dict[str, dict[str, Any]]] = {}
    for split in dict.fromkeys(generation.split for generation in generated) if asked else ():
        of_split = [generation for generation in generated if generation.split == split]
        sections = measured.setdefault(split, {})
        texts = [generation.text for generation in of_split]
        references = [generation.reference for generation in of_split]
        if ExtraMetric.bertscore in packages:
            found = bert_score(packages[ExtraMetric.bertscore], references, texts)
            sections["bertscore"] = asdict(found)
        if ExtraMetric.mauve in packages:
            device = 0 if torch.cuda.is_available() else -1
            sections["mauve"] = asdict(mauve_score(packages[ExtraMetric.mauve], references, texts, device))
        with_both = [generation for generation in of_split if generation.codes and generation.photo >= 0]
        if vq is not None and prepared.photos is not None and len(with_both) > 1:
            if ExtraMetric.clipscore in packages:
                sections |= _clip_scores(with_both, prepared.photos.pixels, vq, clip)
            if ExtraMetric.fid in packages:
                encode = _inception(packages[ExtraMetric.fid])
                vectors = _picture_vectors(with_both, prepared.photos.pixels, vq, encode)
                model = f"{INCEPTION}-{INCEPTION_LAYER}"
                sections["fid"] = asdict(frechet_distance(*vectors, model))
    return measured


def _clip_scores(
    generated: Sequence[Generation], photos: UInt8[np.ndarray, "P S S 3"], vq: VQGAN, config: ClipConfig
) -> dict[str, dict[str, Any]]:
    """Of generated pictures with generated sentences, and of the photos with the true ones."""
    model = open_clip_model(config)
    pictures, real = _picture_vectors(generated, photos, vq, model.images)
    name = f"{config.model}/{config.weights}"

    def vectors_of(sentences: list[str]) -> Float[np.ndarray, "N E"]:
        prompted = [CLIP_PROMPT + sentence for sentence in sentences]
        starts = range(0, len(prompted), NUM_AT_ONCE)
        return np.concatenate([model.texts(prompted[start : start + NUM_AT_ONCE]) for start in starts])

    texts = vectors_of([generation.text for generation in generated])
    references = vectors_of([generation.reference for generation in generated])
    return {
        "clipscore": asdict(clip_score(pictures, texts, name)),
        "clipscore_of_true_pairs": asdict(clip_score(real, references, name)),
    }


def _picture_vectors(
    generated: Sequence[Generation], photos: UInt8[np.ndarray, "P S S 3"], vq: VQGAN, encode: Encode
) -> tuple[Float[np.ndarray, "N E"], Float[np.ndarray, "N E"]]:
    """The vectors of the generated pictures and of their records' photos; only a few pictures are held at once."""
    pictures, real = [], []
    for start in range(0, len(generated), NUM_AT_ONCE):
        chunk = generated[start : start + NUM_AT_ONCE]
        decoded = [picture for picture in decode_pictures(chunk, vq) if picture is not None]
        pictures.append(encode(np.stack(decoded)))
        real.append(encode(np.asarray(photos[[generation.photo for generation in chunk]])))
    return np.concatenate(pictures), np.concatenate(real)


def _inception(package: Any) -> Encode:
    """Pictures to the vectors that FID is defined by; the package downloads their network's weights."""
    extractors = importlib.import_module(f"{package.__name__}.feature_extractor_inceptionv3")
    network = extractors.FeatureExtractorInceptionV3(INCEPTION, [INCEPTION_LAYER])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = network.to(device)

    def encode(pixels: UInt8[np.ndarray, "B S S 3"]) -> Float[np.ndarray, "B E"]:
        images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
        with torch.no_grad():
            (vectors,) = network(images.to(device))
        return vectors.double().cpu().numpy()

    return encode
