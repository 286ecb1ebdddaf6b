"""The transformer: padding does not matter, shapes and errors, save and load, against torch's own layers."""

from dataclasses import astuple

import pytest
import torch
from torch import nn

from meter.errors import InputError
from meter.model import PAD, Mask, Meter, Norm, VisualTable
from meter.model.transformer import SelfAttention, TransformerConfig
from tests.conftest import Inputs, small_config, small_inputs, small_model


def test_an_example_alone_and_in_a_padded_batch_gives_the_same_logits(inputs: Inputs) -> None:
    model = small_model()
    together = model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    for row in range(len(inputs.users)):
        only = slice(row, row + 1)
        alone = model(
            inputs.users[only],
            inputs.items[only],
            inputs.features[only],
            inputs.words[only],
            inputs.codes[only],
        )
        length = int((inputs.words[row] != PAD).sum())
        torch.testing.assert_close(alone.rating[0], together.rating[row])
        torch.testing.assert_close(alone.context[0], together.context[row])
        torch.testing.assert_close(alone.text[0, :length], together.text[row, :length])
        torch.testing.assert_close(alone.visual[0], together.visual[row])


def test_what_stands_at_padding_changes_nothing(inputs: Inputs) -> None:
    """The embedding of PAD is moved far away: no rating, context, word or code may notice."""
    model = small_model()
    before = model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    with torch.no_grad():
        model.embedding.words.weight[PAD] += 100
    after = model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    real = inputs.words != PAD
    assert torch.equal(before.rating, after.rating)
    assert torch.equal(before.context, after.context)
    assert torch.equal(before.text[real], after.text[real])
    assert torch.equal(before.visual, after.visual)


@pytest.mark.parametrize(("own", "drops"), [(None, True), (0.0, False), (0.3, True)])
def test_attention_weights_are_dropped_by_a_share_of_their_own(own: float | None, drops: bool) -> None:
    torch.manual_seed(0)
    config = TransformerConfig(width=16, heads=2, feedforward=32, dropout=0.5, attention_dropout=own)
    attention = SelfAttention(config)
    tokens, visible = torch.randn(2, 7, 16), torch.ones(7, 7).tril().bool()[None, None]
    assert torch.equal(attention.train()(tokens, visible), attention.eval()(tokens, visible)) is not drops


@pytest.mark.parametrize("norm", list(Norm))
def test_layers_equal_torchs_own(inputs: Inputs, norm: Norm) -> None:
    """An independent plain version: nn.TransformerEncoderLayer with our weights and the same mask."""
    model = small_model(layers=3, norm=norm)
    tokens = model.embedding(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    layers = []
    for block in model.transformer.blocks:
        layer = nn.TransformerEncoderLayer(
            16, 2, 32, dropout=0.0, batch_first=True, norm_first=norm is Norm.pre
        )
        own = {
            "self_attn.in_proj_weight": block.attention.project_in.weight,
            "self_attn.in_proj_bias": block.attention.project_in.bias,
            "self_attn.out_proj.weight": block.attention.project_out.weight,
            "self_attn.out_proj.bias": block.attention.project_out.bias,
            "linear1.weight": block.feedforward[0].weight,
            "linear1.bias": block.feedforward[0].bias,
            "linear2.weight": block.feedforward[3].weight,
            "linear2.bias": block.feedforward[3].bias,
            "norm1.weight": block.attention_norm.weight,
            "norm1.bias": block.attention_norm.bias,
            "norm2.weight": block.feedforward_norm.weight,
            "norm2.bias": block.feedforward_norm.bias,
        }
        layer.load_state_dict(own, strict=True)
        layers.append(layer.eval())
    states = tokens
    for layer in layers:
        states = layer(states, src_mask=~model.visible)
    if norm is Norm.pre:
        states = nn.functional.layer_norm(states, (16,))
    everything = model.visible[None].expand(len(tokens), -1, -1)
    torch.testing.assert_close(model.transformer(tokens, everything), states, rtol=1e-5, atol=1e-6)


def test_without_feature_and_pictures(inputs: Inputs) -> None:
    model = small_model(has_feature=False, num_codes=0, grid=[])
    out = model(inputs.users, inputs.items, None, inputs.words, None)
    assert out.visual is None
    assert out.text.shape == (4, 7, 50)
    assert out.context.shape == (4, 50)
    generated = model.generate(inputs.users, inputs.items)
    assert generated.codes is None
    assert generated.words.shape == (4, 7)


def test_rating_head_by_hand() -> None:
    """σ(s W1 + b1) W2 + b2 with a hidden width of 2; the output may leave the scale."""
    from meter.model.heads import RatingHead

    head = RatingHead(2)
    with torch.no_grad():
        head.hidden.weight.copy_(torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
        head.hidden.bias.copy_(torch.tensor([0.0, -2.0]))
        head.output.weight.copy_(torch.tensor([[10.0, 4.0]]))
        head.output.bias.copy_(torch.tensor([1.0]))
    assert head(torch.tensor([[0.0, 1.0]])).item() == pytest.approx(10 * 0.5 + 4 * 0.5 + 1)


@pytest.mark.parametrize("table", list(VisualTable))
def test_save_and_load_give_the_same_outputs(inputs: Inputs, tmp_path, table: VisualTable) -> None:
    codebook = torch.randn(16, 5, generator=torch.Generator().manual_seed(1))
    torch.manual_seed(0)
    model = Meter(small_config(visual_table=table, mask=Mask.prefix), codebook).eval()
    model.save_pretrained(tmp_path)
    opened = Meter.from_pretrained(tmp_path)
    assert opened.config == model.config
    arguments = (inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    assert torch.equal(model(*arguments).visual, opened(*arguments).visual)
    assert torch.equal(model(*arguments).text, opened(*arguments).text)


def test_the_codebooks_vectors_stay_frozen() -> None:
    codebook = torch.randn(16, 5, generator=torch.Generator().manual_seed(1))
    model = Meter(small_config(visual_table=VisualTable.codebook), codebook)
    inputs = small_inputs()
    out = model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    out.visual.sum().backward()
    table, projection = model.embedding.visual.table
    assert table.weight.grad is None
    assert torch.equal(table.weight, codebook)
    assert projection.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 15}, r"model\.width: expected a multiple of model\.heads=2, found 15$"),
        ({"heads": 0}, r"model\.heads: expected at least 1, found 0$"),
        ({"dropout": 1.0}, r"model\.dropout: expected a share in \[0, 1\), found 1\.0$"),
        (
            {"attention_dropout": 1.0},
            r"model\.attention_dropout: expected a share in \[0, 1\) or null, found 1\.0$",
        ),
        ({"num_users": 0}, r"model\.num_users: expected at least 1, found 0$"),
        ({"num_words": 3}, r"model\.num_words: expected at least the 4 special words, found 3$"),
        ({"grid": []}, r"model\.num_codes and model\.grid: expected both .*, found 16 and \[\]$"),
        ({"grid": [6]}, r"model\.grid: expected \[rows, columns\], each at least 1, found \[6\]$"),
        (
            {"visual_table": VisualTable.codebook},
            r"codebook: expected the VQ-GAN's \(16, C\) .*, found None$",
        ),
    ],
)
def test_impossible_configs_name_both_values(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Meter(small_config(**changes))


def test_a_codebook_of_another_size_is_refused() -> None:
    with pytest.raises(
        InputError, match=r"expected the VQ-GAN's \(16, C\) code vectors .*, found shape \(8, 5\)$"
    ):
        Meter(small_config(visual_table=VisualTable.codebook), torch.zeros(8, 5))


def test_inputs_that_do_not_fit_the_model_are_refused(inputs: Inputs) -> None:
    """A feature word too many would shift every slot behind it."""
    users, items, features, words, codes = astuple(inputs)
    model, plain = small_model(), small_model(has_feature=False, num_codes=0, grid=[])
    with pytest.raises(
        InputError, match=r"features: expected a word each, as model\.has_feature=True, found None$"
    ):
        model(users, items, None, words, codes)
    with pytest.raises(InputError, match=r"features: expected None, .* found shape \(4,\)$"):
        plain(users, items, features, words)
    with pytest.raises(
        InputError, match=r"words: expected 7 columns \(model\.text_length=6 and EOS\), found 6$"
    ):
        model(users, items, features, words[:, 1:], codes)
    with pytest.raises(InputError, match=r"codes: expected 6 columns \(model\.grid\), found shape \(4, 5\)$"):
        model(users, items, features, words, codes[:, 1:])
    with pytest.raises(
        InputError, match=r"codes: expected None, as the model has no pictures, found shape \(4, 6\)$"
    ):
        plain(users, items, None, words, codes)


def test_pictures_that_do_not_exist_leave_words_alone(inputs: Inputs) -> None:
    """−1 marks an absent picture: rating, context and words are as with any picture."""
    model = small_model()
    absent = torch.full_like(inputs.codes, -1)
    first = model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    second = model(inputs.users, inputs.items, inputs.features, inputs.words, absent)
    assert torch.equal(first.rating, second.rating)
    assert torch.equal(first.text, second.text)
