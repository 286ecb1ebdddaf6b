"""How well photos suit sentences, by an image–text model (CLIP; Radford et al., 2021): needs the extra ``clip``."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Float16, UInt8

from meter.errors import InputError
from meter.progress import tracked
from meter.storage.growing_array import TEMPORARY, GrowingArray
from meter.storage.stage import Stage, build_stage

if TYPE_CHECKING:
    from rich.console import Console

VECTORS = "vectors.npy"
_FORMAT = 1


@dataclass(kw_only=True, slots=True)
class ClipConfig:
    """The model that ``pairing=clip`` uses; the names are those of open_clip."""

    model: str = "ViT-B-32"
    """The network."""
    weights: str = "laion2b_s34b_b79k"
    """Its weights, which open_clip downloads if they are not on this machine, or a file with them."""
    batch_size: int = 64
    """Photos or sentences per batch."""


@runtime_checkable
class ImageTextModel(Protocol):
    """Maps photos and sentences to vectors of E dimensions; the better they match, the smaller the angle."""

    width: int
    """E."""

    def images(self, pixels: UInt8[np.ndarray, "B S S 3"]) -> Float[np.ndarray, "B E"]: ...

    def texts(self, sentences: list[str]) -> Float[np.ndarray, "B E"]: ...


@dataclass(kw_only=True, slots=True)
class Affinity:
    """Unit vectors of P photos and R sentences."""

    photos: Float16[np.ndarray, "P E"]
    sentences: Float16[np.ndarray, "R E"]

    def best(self, sentence: int, candidates: Sequence[int]) -> int:
        """The photo among ``candidates`` with the highest cosine to the sentence; the first one on a tie."""
        cosines = self.photos[list(candidates)].astype(np.float32) @ self.sentences[sentence].astype(
            np.float32
        )
        return candidates[int(cosines.argmax())]


def measure_affinity(
    pixels: UInt8[np.ndarray, "P S S 3"],
    photos_hash: str,
    sentences: Sequence[str],
    config: ClipConfig,
    cache: Path,
    open_model: Callable[[ClipConfig], ImageTextModel],
    console: "Console | None" = None,
) -> Affinity:
    """Encodes every photo and every sentence once and keeps the vectors as stages; opens the model only if needed.

    Encoding that was killed continues where it stopped.

    Raises InputError if the model cannot be opened.
    """
    opened: list[ImageTextModel] = []

    def model() -> ImageTextModel:
        if not opened:
            opened.append(open_model(config))
        return opened[0]

    sentences_hash = hashlib.sha256("\n".join(sentences).encode()).hexdigest()
    inputs = {
        "photos": (len(pixels), photos_hash, lambda chunk: model().images(np.asarray(pixels[chunk]))),
        "sentences": (len(sentences), sentences_hash, lambda chunk: model().texts(list(sentences[chunk]))),
    }
    vectors = {
        name: np.load(
            _vectors_stage(cache, name, count, source, lambda: model().width, encode, config, console).folder
            / VECTORS,
            mmap_mode="r",
        )
        for name, (count, source, encode) in inputs.items()
    }
    return Affinity(**vectors)


def open_clip_model(config: ClipConfig) -> ImageTextModel:
    """Opens a model of open_clip. Raises InputError if the package or the weights are missing."""
    try:
        import open_clip  # pyright: ignore[reportMissingImports]
    except (ImportError, RuntimeError) as fault:
        raise InputError(
            f"dataset.pairing=clip needs the package open_clip_torch ({fault}): pip install 'meter-explain[clip]', "
            "or set dataset.pairing=label or item"
        ) from None
    return _OpenClip(open_clip, config)


class _OpenClip:
    def __init__(self, open_clip: Any, config: ClipConfig) -> None:
        import torch

        try:
            network, _, transform = open_clip.create_model_and_transforms(
                config.model, pretrained=config.weights
            )
        except (RuntimeError, OSError, ValueError) as fault:
            raise InputError(
                f"dataset.clip: {config.model} with the weights {config.weights} cannot be opened: "
                f"{str(fault).splitlines()[0]}"
            ) from fault
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.network = network.eval().to(self.device)
        self.transform, self.tokenize = transform, open_clip.get_tokenizer(config.model)
        self.width = self.texts([""]).shape[1]

    def images(self, pixels: UInt8[np.ndarray, "B S S 3"]) -> Float[np.ndarray, "B E"]:
        import torch
        from PIL import Image

        photos = torch.stack([self.transform(Image.fromarray(photo)) for photo in pixels])
        with torch.no_grad():
            return self.network.encode_image(photos.to(self.device)).float().cpu().numpy()

    def texts(self, sentences: list[str]) -> Float[np.ndarray, "B E"]:
        import torch

        with torch.no_grad():
            return self.network.encode_text(self.tokenize(sentences).to(self.device)).float().cpu().numpy()


def _vectors_stage(
    cache: Path,
    name: str,
    count: int,
    source: str,
    width: Callable[[], int],
    encode: Callable[[slice], Float[np.ndarray, "B E"]],
    config: ClipConfig,
    console: "Console | None",
) -> Stage:
    def build(folder: Path) -> dict[str, Any]:
        with GrowingArray(folder / VECTORS, (width(),), np.float16) as rows:
            starts = range(rows.taken, count, config.batch_size)
            total = -(-count // config.batch_size)
            for start in tracked(starts, f"clip: {name}", total, console, done=total - len(starts)):
                vectors = encode(slice(start, min(start + config.batch_size, count)))
                rows.append(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
        return {"count": count, "width": rows.shape[0]}

    return build_stage(
        cache,
        f"clip-{name}",
        version=_FORMAT,
        config={"model": config.model, "weights": config.weights},
        inputs={name: source},
        build=build,
        temporary=TEMPORARY,
    )
