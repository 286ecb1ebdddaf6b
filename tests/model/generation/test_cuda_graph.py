"""The step that a GPU captures and replays, run here as it is, against the plain path."""

import pytest
import torch

from meter.model import EOS, CodeChoice, DecodingConfig, Norm
from meter.model.generation.cuda_graph import FixedStep
from meter.model.generation.image import ImageDecoder
from tests.conftest import small_inputs, small_model


def decode_by_fixed_steps(decoder: ImageDecoder) -> None:
    step = FixedStep(decoder)
    for _ in range(len(decoder.indices) - 1):
        step()


@pytest.mark.parametrize("norm", list(Norm))
@pytest.mark.parametrize(
    "decoding",
    [
        DecodingConfig(),
        DecodingConfig(guidance=2.0),
        DecodingConfig(codes=CodeChoice.sample),
    ],
    ids=["greedy", "guided", "sampled"],
)
def test_the_fixed_step_equals_the_plain_one(norm: Norm, decoding: DecodingConfig, monkeypatch) -> None:
    inputs = small_inputs((6,) * 8)
    model = small_model(norm=norm)
    with torch.no_grad():
        model.heads.text.bias[EOS] += 3

    def codes() -> torch.Tensor:
        generated = model.generate(
            inputs.users,
            inputs.items,
            inputs.features,
            decoding=decoding,
            generator=torch.Generator().manual_seed(0),
        )
        return generated.codes

    plain = codes()
    monkeypatch.setattr(ImageDecoder, "choose_others", decode_by_fixed_steps)
    assert torch.equal(codes(), plain)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_replayed_steps_equal_the_plain_ones(monkeypatch) -> None:
    inputs = small_inputs((6,) * 8)
    model = small_model(grid=[4, 4]).to("cuda")
    ids = [each.to("cuda") for each in (inputs.users, inputs.items, inputs.features)]
    replayed = model.generate(*ids).codes
    monkeypatch.setattr("meter.model.generation.generate.decode_by_cuda_graph", ImageDecoder.choose_others)
    assert torch.equal(model.generate(*ids).codes, replayed)
