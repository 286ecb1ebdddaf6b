"""METER: one transformer that predicts the rating, the words around it, the sentence and the picture."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import assert_never

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from meter.errors import InputError
from meter.model.embedding import Embedding, Positions, VisualEmbedding, VisualTable
from meter.model.generation.config import DecodingConfig
from meter.model.generation.generate import Generated, draw, generate, generate_stepwise
from meter.model.generation.incremental import IncrementalModel, incremental
from meter.model.heads import Heads
from meter.model.initialisation import Initialisation, initialise
from meter.model.sequence import Layout, Mask, RatingFrom, present_slots, visibility
from meter.model.system import System
from meter.model.transformer import Transformer, TransformerConfig
from meter.special_words import UNK
from meter.storage.pretrained import read_pretrained


@dataclass(kw_only=True, slots=True)
class ModelConfig(TransformerConfig):
    """The sizes and choices of a model. A training run fills in the sizes that are 0 here, as its data decides."""

    num_users: int = 0
    """Rows of U."""
    num_items: int = 0
    """Rows of I."""
    num_words: int = 0
    """W, rows of V, special words included."""
    num_codes: int = 0
    """K, the codes of the VQ-GAN; 0 for a model without pictures."""
    text_length: int = 0
    """n, the longest sentence in words."""
    grid: list[int] = field(default_factory=list)
    """Rows and columns of codes in a picture; m is their product. Empty for a model without pictures."""
    has_feature: bool = True
    """Whether a feature word is given."""
    mask: Mask = Mask.peter
    """What u and i may see (D1)."""
    rating_from: RatingFrom = RatingFrom.user
    """Whose state predicts the rating: the user's, as printed, or the feature word's."""
    visual_table: VisualTable = VisualTable.own
    """Where the embeddings of visual codes come from (D8)."""
    picture_features: bool = False
    """Whether an item's token is handed features of its photos, as VBPR's items are (He & McAuley, AAAI 2016): a rival
    that sees pictures without learning to draw them."""
    code_dropout: float = 0.0
    """The largest share of a picture's codes that those after it do not see while the model learns; each picture draws
    its own share below it."""
    positions: Positions = Positions.learned
    """Positions of what is not visual: learned, as the paper says; PETER's are sinusoidal."""
    scale_embeddings: bool = False
    """Whether tokens are multiplied by √d before positions are added, as in PETER; the paper does not say."""
    shared_word_head: bool = False
    """Whether one layer predicts text and context, as in PETER; the paper gives each weights of its own."""
    initialisation: Initialisation = Initialisation.normal
    """What the weights start from; the paper does not say."""

    def layout(self) -> Layout:
        """The slots of a sequence of these sizes."""
        rows, columns = self.grid or (0, 0)
        return Layout(
            has_feature=self.has_feature,
            text_length=self.text_length,
            visual_length=rows * columns,
            rating_from=self.rating_from,
        )

    def check(self) -> None:
        """Raises InputError where these sizes cannot make a model."""
        TransformerConfig.check(self)
        for name in ("num_users", "num_items", "text_length"):
            if getattr(self, name) < 1:
                raise InputError(f"model.{name}: expected at least 1, found {getattr(self, name)}")
        if self.num_words <= UNK:
            raise InputError(
                f"model.num_words: expected at least the {UNK + 1} special words, found {self.num_words}"
            )
        if self.num_codes < 0 or bool(self.num_codes) != bool(self.grid):
            raise InputError(
                "model.num_codes and model.grid: expected both for a model with pictures, 0 and [] for one without, "
                f"found {self.num_codes} and {list(self.grid)}"
            )
        if self.rating_from is RatingFrom.feature and not self.has_feature:
            raise InputError(
                "model.rating_from: expected user for a model without feature word, found feature: set "
                "model.has_feature=true or model.rating_from=user"
            )
        if not 0 <= self.code_dropout <= 1:
            raise InputError(f"model.code_dropout: expected a share from 0 to 1, found {self.code_dropout}")
        if self.grid and (len(self.grid) != 2 or min(self.grid) < 1):
            raise InputError(
                f"model.grid: expected [rows, columns], each at least 1, found {list(self.grid)}"
            )


@dataclass(slots=True)
class MeterOutput:
    """What one pass gives: each head's prediction, as logits where it is a choice.

    visual: None where the model or the call has no pictures.
    """

    rating: Float[Tensor, " B"]
    context: Float[Tensor, "B W"]
    text: Float[Tensor, "B S W"]
    visual: Float[Tensor, "B M K"] | None


class Meter(System):
    """The multimodally-enhanced transformer (§3.3, §3.4).

    codebook: the VQ-GAN's code vectors (K, C); needed where ``config.visual_table`` is ``codebook``.
    picture_features: F features of the photos of each item (I, F); needed where ``config.picture_features`` is set.
        They are saved with the weights and never trained.

    Raises InputError where the sizes do not fit together.
    """

    visible: Tensor

    def __init__(
        self,
        config: ModelConfig,
        codebook: Float[Tensor, "K C"] | None = None,
        picture_features: Float[Tensor, "I F"] | None = None,
    ) -> None:
        super().__init__()
        config.check()
        self.config = config
        self.layout = config.layout()
        scale = math.sqrt(config.width) if config.scale_embeddings else 1.0
        visual = None
        if config.num_codes:
            frozen = _codebook(config, codebook)
            rows, columns = config.grid
            visual = VisualEmbedding(
                config.num_codes, (rows, columns), config.width, frozen, scale, config.code_dropout
            )
        self.embedding = Embedding(
            num_users=config.num_users,
            num_items=config.num_items,
            num_words=config.num_words,
            width=config.width,
            layout=self.layout,
            positions=config.positions,
            scale=scale,
            visual=visual,
            picture_features=_picture_features(config, picture_features),
        )
        self.transformer = Transformer(config)
        self.heads = Heads(config.width, config.num_words, config.num_codes, config.shared_word_head)
        self.register_buffer("visible", visibility(self.layout, config.mask), persistent=False)
        initialise(self.embedding, self.transformer, self.heads, config.initialisation)

    def forward(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None,
        words: Int[Tensor, "B S"],
        codes: Int[Tensor, "B M"] | None = None,
    ) -> MeterOutput:
        """Predicts every word and code from those before it (teacher forcing).

        features: None for a model without a feature word.
        words: the sentence, EOS, then PAD; the model puts BOS in front itself. ``text[:, t]`` predicts ``words[:, t]``.
        codes: the picture row by row; −1 where an example has none (its visual logits mean nothing). None leaves the
            picture out.
        """
        tokens = self.embedding(users, items, features, words, codes)
        states = self.transformer(tokens, self.visible_slots(words, tokens.shape[1]))
        rating = self.heads.rating(states[:, self.layout.rating])
        context = self.heads.context_words(states[:, 1])
        text = self.heads.text(states[:, self.layout.text])
        visual = None
        if codes is not None and self.heads.visual is not None:
            visual = self.heads.visual(states[:, self.layout.visual])
        return MeterOutput(rating=rating, context=context, text=text, visual=visual)

    @property
    def has_feature(self) -> bool:
        """Whether a feature word is given."""
        return self.config.has_feature

    def visible_slots(self, words: Int[Tensor, "B S"], length: int) -> Bool[Tensor, "B T T"]:
        """Which of the first T = ``length`` slots each of them sees: the mask allows it, and a token stands there."""
        return self.visible[:length, :length] & present_slots(self.layout, words)[:, None, :length]

    @torch.no_grad()
    def generate(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None = None,
        *,
        decoding: DecodingConfig | None = None,
        generator: torch.Generator | None = None,
        pictures: bool = True,
    ) -> Generated:
        """Generates rating, then text, then picture, without dropout; nothing is encoded twice.

        decoding: how words and codes are chosen; greedily, as in the paper, where None.
        generator: what random choices are drawn from, on the CPU; needed where ``decoding`` samples.
        pictures: whether pictures are drawn; False ends with the sentence.

        Raises InputError where the mask shows the future, or a generator is missing.
        """
        with self._generating():
            return generate(
                self.incremental(),
                users,
                items,
                features,
                decoding or DecodingConfig(),
                generator,
                pictures=pictures,
            )

    def generate_stepwise(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None = None,
        *,
        decoding: DecodingConfig | None = None,
        generator: torch.Generator | None = None,
    ) -> Iterator[Generated]:
        """Generates as ``generate`` does, and hands out what there is after the rating, every word, every code."""
        with self._generating():
            steps = generate_stepwise(
                self.incremental(), users, items, features, decoding or DecodingConfig(), generator
            )
            while True:
                with torch.no_grad():  # around a step alone: between them the caller goes on
                    output = next(steps, None)
                if output is None:
                    return
                yield output

    @torch.no_grad()
    def draw(
        self,
        users: Int[Tensor, " B"],
        items: Int[Tensor, " B"],
        features: Int[Tensor, " B"] | None,
        words: Int[Tensor, "B S"],
        *,
        decoding: DecodingConfig | None = None,
        generator: torch.Generator | None = None,
    ) -> Int[Tensor, "B M"]:
        """Draws the pictures to given sentences, whoever wrote them; to its own it draws what ``generate`` does.

        words: the sentence, EOS, then PAD.
        decoding: how codes are chosen; greedily where None.  generator: as for ``generate``.

        Raises InputError where the model has no pictures, the mask shows the future, or a generator is missing.
        """
        if not self.config.num_codes:
            raise InputError("draw: expected a model with pictures, found model.num_codes=0")
        with self._generating():
            return draw(
                self.incremental(), users, items, features, words, decoding or DecodingConfig(), generator
            )

    @contextmanager
    def _generating(self) -> Iterator[None]:
        """Without dropout. Raises InputError where the mask shows the future."""
        if self.config.mask is Mask.literal:
            raise InputError(
                "model.mask: expected peter or prefix for generation, found literal: u and i would see words that do "
                "not exist yet"
            )
        was_training = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(was_training)

    def incremental(self) -> IncrementalModel:
        """The model slot after slot, as generation needs it, with its weights as they are now."""
        return incremental(self.embedding, self.transformer, self.heads, self.visible)

    @classmethod
    def from_pretrained(cls, folder: Path | str) -> "Meter":
        """Opens what ``save_pretrained`` wrote, ready to predict and generate.

        Raises InputError where the files are missing, damaged or of another model.
        """
        saved = read_pretrained(folder, ModelConfig)
        codebook = saved.weights.get("embedding.visual.table.0.weight")
        picture_features = saved.weights.get("embedding.pictures.0.weight")
        return saved.load_into(cls(saved.config, codebook, picture_features))


def _codebook(config: ModelConfig, codebook: Tensor | None) -> Tensor | None:
    match config.visual_table:
        case VisualTable.own:
            return None
        case VisualTable.codebook:
            if codebook is None or codebook.ndim != 2 or len(codebook) != config.num_codes:
                found = "None" if codebook is None else f"shape {tuple(codebook.shape)}"
                raise InputError(
                    f"codebook: expected the VQ-GAN's ({config.num_codes}, C) code vectors for "
                    f"model.visual_table=codebook, found {found}"
                )
            return codebook
        case _:
            assert_never(config.visual_table)


def _picture_features(config: ModelConfig, features: Tensor | None) -> Tensor | None:
    if not config.picture_features:
        return None
    if features is None or features.ndim != 2 or len(features) != config.num_items:
        found = "None" if features is None else f"shape {tuple(features.shape)}"
        raise InputError(
            f"picture_features: expected ({config.num_items}, F), a row for each item, for "
            f"model.picture_features=true, found {found}"
        )
    return features
