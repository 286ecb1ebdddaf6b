"""The pass that leaves padding out against the plain one: the same predictions and the same gradients."""

from contextlib import nullcontext

import pytest
import torch

from meter.model import PAD, Meter, MeterOutput, Norm, PackedMeter, PackedOutput, word_slots
from meter.model.packed import Packing
from meter.model.transformer import Transformer
from tests.conftest import Inputs, small_model


def plain(model: Meter, inputs: Inputs, codes: torch.Tensor | None) -> MeterOutput:
    return model(inputs.users, inputs.items, inputs.features, inputs.words, codes)


def packed(model: Meter, inputs: Inputs, codes: torch.Tensor | None) -> PackedOutput:
    slots = word_slots(inputs.words)
    return PackedMeter(model)(inputs.users, inputs.items, inputs.features, inputs.words, codes, slots)


def predictions(output: MeterOutput | PackedOutput, words: torch.Tensor) -> list[torch.Tensor]:
    """Rating, context, the words that stand in the sentences, and codes where there are any."""
    text = output.text if isinstance(output, PackedOutput) else output.text[words != PAD]
    return [each for each in (output.rating, output.context, text, output.visual) if each is not None]


@pytest.mark.parametrize("norm", list(Norm))
@pytest.mark.parametrize("has_codes", [False, True])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_predictions_and_gradients_are_those_of_the_plain_pass(
    inputs: Inputs, norm: Norm, has_codes: bool, precision: torch.dtype
) -> None:
    results = []
    for forward in (plain, packed):
        model = small_model(norm=norm)
        short = torch.autocast("cpu", precision) if precision is torch.bfloat16 else nullcontext()
        with short:
            found = predictions(forward(model, inputs, inputs.codes if has_codes else None), inputs.words)
        torch.stack([each.float().square().mean() for each in found]).sum().backward()
        gradients = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
        results.append((found, gradients))
    (expected, slopes), (found, packed_slopes) = results
    assert len(found) == 3 + has_codes
    assert packed_slopes.keys() == slopes.keys()
    close = {"rtol": 1e-4, "atol": 1e-5} if precision is torch.float32 else {"rtol": 0.05, "atol": 0.05}
    torch.testing.assert_close(found, expected, **close)
    for name, slope in slopes.items():
        scale = slope.abs().max()
        torch.testing.assert_close(packed_slopes[name] / scale, slope / scale, **close, msg=name)


def test_the_transformer_sees_no_padding_where_no_picture_follows(
    inputs: Inputs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the test above would compare the plain pass with itself."""
    whole = []
    monkeypatch.setattr(
        Transformer, "forward", lambda self, tokens, visible: whole.append(tokens.shape) or tokens
    )
    packed(small_model(), inputs, None)
    assert whole == []
    packed(small_model(), inputs, inputs.codes)
    assert len(whole) == 1


def test_the_weights_are_the_models_own(inputs: Inputs) -> None:
    model = small_model()
    assert [name for name, _ in PackedMeter(model).named_parameters()] == [
        f"meter.{name}" for name, _ in model.named_parameters()
    ]
    assert all(
        ours is theirs
        for ours, theirs in zip(PackedMeter(model).parameters(), model.parameters(), strict=True)
    )


def test_word_slots_are_where_words_and_ends_stand() -> None:
    words = torch.tensor([[4, 5, 2, PAD], [6, 2, PAD, PAD]])
    assert word_slots(words).tolist() == [0, 1, 2, 4, 5]


def test_what_is_packed_comes_back_to_its_slots() -> None:
    present = torch.tensor([[True, True, False], [True, False, True]])
    packing = Packing.of(present)
    vectors = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0))
    assert packing.slots.tolist() == [0, 1, 3, 5]
    assert torch.equal(packing.pack(vectors), vectors[present])
    assert torch.equal(packing.unpack(packing.pack(vectors)), vectors * present[..., None])
