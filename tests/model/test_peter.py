"""Opening PETER's weights: against a plain PETER made of torch's own layers, and refusing what is not PETER's."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from meter.errors import InputError
from meter.model import EOS, PAD, Meter, PackedMeter, word_slots
from meter.model.peter import from_state_dict, word_order
from meter.train.batches import Batch
from meter.train.devices import make_fabric
from meter.train.networks import JointNetworks, TrainedNetwork
from meter.train.optimizer import make_optimizer
from meter.train.steps import joint_step
from tests.commands.test_config import composed
from tests.conftest import Inputs, small_inputs
from tests.train.test_loop import CPU

WIDTH, HEADS, LENGTH, WORDS = 16, 2, 6, 50
PETER_BOS, PETER_EOS, PETER_PAD = 0, 1, 2
TO_PETER = torch.tensor([PETER_PAD, PETER_BOS, PETER_EOS, *range(3, WORDS)])
"""PETER's number of each of our words, written by hand."""


class PlainRecommender(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)


class PlainPositions(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        table = [
            [
                wave(position / 10_000 ** (2 * pair / WIDTH))
                for pair in range(WIDTH // 2)
                for wave in (math.sin, math.cos)
            ]
            for position in range(40)
        ]
        self.register_buffer("pe", torch.tensor(table)[:, None])


class PlainPeter(nn.Module):
    """PETER from torch's own encoder, in PETER's numbers: bos 0, eos 1, pad 2, unk 3."""

    def __init__(self, has_feature: bool) -> None:
        super().__init__()
        self.has_feature = has_feature
        self.pos_encoder = PlainPositions()
        layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 32, dropout=0.0, batch_first=True)
        self.transformer_encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.user_embeddings = nn.Embedding(9, WIDTH)
        self.item_embeddings = nn.Embedding(7, WIDTH)
        self.word_embeddings = nn.Embedding(WORDS, WIDTH)
        self.hidden2token = nn.Linear(WIDTH, WORDS)
        self.recommender = PlainRecommender()

    def forward(self, users: Tensor, items: Tensor, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Rating, context logits and word logits of [u, i, text], where text is (f), bos, words."""
        pair = [self.user_embeddings(users)[:, None], self.item_embeddings(items)[:, None]]
        tokens = torch.cat([*pair, self.word_embeddings(text)], dim=1) * math.sqrt(WIDTH)
        tokens = tokens + self.pos_encoder.pe[: tokens.shape[1], 0]
        hidden_from = torch.ones(tokens.shape[1], tokens.shape[1], dtype=torch.bool).triu(1)
        hidden_from[0, 1] = False
        padding = torch.cat([torch.zeros(len(users), 2, dtype=torch.bool), text == PETER_PAD], dim=1)
        hidden = self.transformer_encoder(tokens, mask=hidden_from, src_key_padding_mask=padding)
        rating = self.recommender.linear2(self.recommender.linear1(hidden[:, 0]).sigmoid())[:, 0]
        first = 3 if self.has_feature else 2
        return rating, self.hidden2token(hidden[:, 1]), self.hidden2token(hidden[:, first:])

    def read(self, inputs: Inputs) -> tuple[Tensor, Tensor, Tensor]:
        """One pass over true sentences, given in our numbers."""
        words = TO_PETER[inputs.words[:, :-1]]
        return self(inputs.users, inputs.items, torch.cat([self.begin(inputs), words], dim=1))

    def begin(self, inputs: Inputs) -> Tensor:
        bos = torch.full((len(inputs.users), 1), PETER_BOS)
        return torch.cat([TO_PETER[inputs.features][:, None], bos], dim=1) if self.has_feature else bos


def plain_peter(has_feature: bool) -> PlainPeter:
    """Random weights and biases: large enough for every one to matter, small enough for sentences to vary."""
    torch.manual_seed(0)
    peter = PlainPeter(has_feature)
    with torch.no_grad():
        for weight in peter.parameters():
            weight.add_(torch.randn_like(weight), alpha=0.2 if weight.ndim > 1 else 0.1)
    return peter.eval()


def opened(peter: PlainPeter) -> Meter:
    return from_state_dict(
        peter.state_dict(), text_length=LENGTH, heads=HEADS, has_feature=peter.has_feature, dropout=0.0
    )


def features_of(inputs: Inputs, has_feature: bool) -> Tensor | None:
    return inputs.features if has_feature else None


BOTH = pytest.mark.parametrize("has_feature", [False, True], ids=["peter", "peter_plus"])


@BOTH
def test_rating_context_and_words_are_peters(inputs: Inputs, has_feature: bool) -> None:
    peter = plain_peter(has_feature)
    rating, context, text = peter.read(inputs)
    out = opened(peter)(inputs.users, inputs.items, features_of(inputs, has_feature), inputs.words)
    real = inputs.words != PAD
    torch.testing.assert_close(out.rating, rating, rtol=0, atol=1e-5)
    torch.testing.assert_close(out.context, context[:, TO_PETER], rtol=0, atol=1e-5)
    torch.testing.assert_close(out.text[real], text[real][:, TO_PETER], rtol=0, atol=1e-5)


@BOTH
def test_one_step_moves_all_weights_as_peters_does(inputs: Inputs, has_feature: bool) -> None:
    """The system's objective and optimizer against PETER's own loss, clipping and SGD."""
    peter, ratings = plain_peter(has_feature).train(), torch.tensor([1.0, 5.0, 3.0, 4.0])
    model = opened(peter)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}

    rating, context, text = peter.read(inputs)
    targets = TO_PETER[inputs.words]
    same_for_every_word = context[:, None].expand(-1, LENGTH, -1)
    loss = (
        functional.cross_entropy(text.flatten(0, 1), targets.flatten(), ignore_index=PETER_PAD)
        + functional.cross_entropy(
            same_for_every_word.flatten(0, 1), targets[:, :-1].flatten(), ignore_index=PETER_PAD
        )
        + 0.1 * functional.mse_loss(rating, ratings)
    )
    loss.backward()
    assert nn.utils.clip_grad_norm_(peter.parameters(), 1.0) > 1, "clipping must matter"
    torch.optim.SGD(peter.parameters(), lr=1.0).step()

    config = composed(f"system={'peter_plus' if has_feature else 'peter'}")
    fabric = make_fabric(CPU)
    packed = PackedMeter(model)
    wrapped, optimizer = fabric.setup(packed, make_optimizer(model, config.optimizer))
    networks = JointNetworks(
        model=model, transformer=TrainedNetwork(module=packed, wrapped=wrapped.train(), optimizer=optimizer)
    )
    batch = Batch(
        indices=torch.arange(4),
        users=inputs.users,
        items=inputs.items,
        features=features_of(inputs, has_feature),
        words=inputs.words,
        word_slots=word_slots(inputs.words),
        ratings=ratings,
        codes=None,
    )
    means = joint_step(fabric, networks, [batch], config.objective, config.optimizer.clip)

    assert means["total"] == pytest.approx(loss.item(), rel=0, abs=1e-5)
    expected = opened(peter).state_dict()
    for name, weight in model.state_dict().items():
        torch.testing.assert_close(weight, expected[name], rtol=0, atol=1e-5, msg=name)
        assert torch.equal(weight, before[name]) == (name == "embedding.positions.weight"), name


def plain_sentences(peter: PlainPeter, inputs: Inputs) -> list[list[int]]:
    """PETER's way: every word from a whole pass over all words before it; the sentence ends at its first eos."""
    begin = text = peter.begin(inputs)
    for _ in range(LENGTH):
        best = peter(inputs.users, inputs.items, text)[2][:, -1].argmax(dim=-1)
        text = torch.cat([text, best[:, None]], dim=1)
    rows = text[:, begin.shape[1] :].tolist()
    return [row[: row.index(PETER_EOS)] if PETER_EOS in row else row for row in rows]


@BOTH
def test_greedy_sentences_are_peters(has_feature: bool) -> None:
    inputs = small_inputs((6,) * 16)
    peter = plain_peter(has_feature)
    with torch.no_grad():
        # Never a target, so training leaves them unlikely; our generation rules them out.
        peter.hidden2token.bias[[PETER_PAD, PETER_BOS]] = -20.0
        peter.hidden2token.bias[PETER_EOS] += 1.5
        expected = plain_sentences(peter, inputs)
        rating, context, _ = peter.read(inputs)
    generated = opened(peter).generate(inputs.users, inputs.items, features_of(inputs, has_feature))
    found = [
        [TO_PETER[word].item() for word in row if word not in (EOS, PAD)] for row in generated.words.tolist()
    ]
    assert found == expected
    assert len({len(row) for row in expected}) > 2, "the case must be ragged to mean anything"
    assert len({word for row in expected for word in row}) > 8
    torch.testing.assert_close(generated.rating, rating, rtol=0, atol=1e-5)
    assert torch.equal(TO_PETER[generated.context], context.topk(LENGTH).indices)


def test_opened_weights_survive_saving(inputs: Inputs, tmp_path) -> None:
    model = opened(plain_peter(True))
    model.save_pretrained(tmp_path)
    again = Meter.from_pretrained(tmp_path)
    assert again.config == model.config
    arguments = (inputs.users, inputs.items, inputs.features, inputs.words)
    for name in ("rating", "context", "text"):
        assert torch.equal(getattr(model(*arguments), name), getattr(again(*arguments), name))


def test_words_keep_their_numbers_where_the_special_ones_are_the_first_four() -> None:
    assert word_order(7).tolist() == [2, 0, 1, 3, 4, 5, 6]
    assert word_order(6, pad=0, bos=3, eos=2).tolist() == [0, 3, 2, 1, 4, 5]


def test_special_words_elsewhere_are_taken_out_of_the_row() -> None:
    order = word_order(8, pad=5, bos=1, eos=6, unk=0)
    assert order.tolist() == [5, 1, 6, 0, 2, 3, 4, 7]
    assert order.argsort().tolist() == [3, 1, 4, 5, 6, 0, 2, 7]
    weights = plain_peter(False).state_dict()
    numbers = {"pad": 5, "bos": 1, "eos": 6, "unk": 0}
    model = from_state_dict(weights, text_length=LENGTH, heads=HEADS, **numbers)
    rows = model.embedding.words.weight[:6]
    assert torch.equal(rows, weights["word_embeddings.weight"][[5, 1, 6, 0, 2, 3]])
    assert torch.equal(model.heads.text.bias[:4], weights["hidden2token.bias"][[5, 1, 6, 0]])


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        ({"pad": 7}, r"pad=7, bos=0, eos=1 leave open which word is unknown: give unk=… too"),
        ({"unk": 1}, r"unk=1: expected four different numbers below 50"),
        ({"pad": 50, "unk": 3}, r"pad=50, .* expected four different numbers below 50"),
    ],
)
def test_special_words_that_cannot_be_are_refused(numbers: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_state_dict(plain_peter(False).state_dict(), text_length=LENGTH, heads=HEADS, **numbers)


Spoil = Callable[[dict[str, Tensor]], object]
FAULTS: list[tuple[Spoil, str]] = [
    (lambda weights: weights.pop("hidden2token.bias"), "hidden2token.bias is missing"),
    (lambda weights: weights.pop("user_embeddings.weight"), "user_embeddings.weight is missing"),
    (
        lambda weights: weights.pop("transformer_encoder.layers.0.norm2.bias"),
        "layers.0.norm2.bias is missing",
    ),
    (
        lambda weights: weights.update({"transformer_encoder.norm.bias": torch.zeros(16)}),
        "transformer_encoder.norm.bias is unexpected",
    ),
    (
        lambda weights: weights.update({"item_embeddings.weight": torch.zeros(7, 12)}),
        r"item_embeddings.weight: expected shape \(7, 16\), found \(7, 12\)",
    ),
    (
        lambda weights: weights.update({"hidden2token.weight": torch.zeros(49, 16)}),
        r"hidden2token.weight: expected shape \(50, 16\), found \(49, 16\)",
    ),
    (
        lambda weights: weights.update({"word_embeddings.weight": torch.zeros(50)}),
        r"word_embeddings.weight: expected a matrix, found shape \(50,\)",
    ),
    (
        lambda weights: weights.update({"pos_encoder.pe": torch.zeros(7, 1, 16)}),
        r"pos_encoder.pe: expected shape \(at least 9, 1, 16\), found \(7, 1, 16\)",
    ),
    (
        lambda weights: weights.update({"pos_encoder.pe": torch.zeros(20, 1, 16)}),
        "pos_encoder.pe: expected sines and cosines",
    ),
    (lambda weights: weights.clear(), "and [0-9]+ more"),
]


@pytest.mark.parametrize(("spoil", "message"), FAULTS)
def test_weights_that_are_not_peters_are_refused_by_name(spoil: Spoil, message: str) -> None:
    weights = dict(plain_peter(False).state_dict())
    spoil(weights)
    with pytest.raises(InputError, match=f"^not PETER's weights: .*{message}"):
        from_state_dict(weights, text_length=LENGTH, heads=HEADS)


def test_the_fixed_positions_may_be_absent(inputs: Inputs) -> None:
    peter = plain_peter(False)
    without = {name: weight for name, weight in peter.state_dict().items() if name != "pos_encoder.pe"}
    model = from_state_dict(without, text_length=LENGTH, heads=HEADS)
    arguments = (inputs.users, inputs.items, None, inputs.words)
    assert torch.equal(model(*arguments).text, opened(peter)(*arguments).text)
