"""The transformer: padding does not matter, shapes and errors, save and load, against torch's own layers."""

import pytest
import torch
from torch import nn

from meter.model import PAD, Mask, Meter, Norm, VisualTable, word_places
from tests.conftest import Inputs, small_config, small_inputs, small_model


def test_an_example_alone_and_in_a_padded_batch_gives_the_same_logits(inputs: Inputs) -> None:
    model = small_model()
    together = model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    for row in range(len(inputs.users)):
        one = slice(row, row + 1)
        alone = model(
            inputs.users[one], inputs.items[one], inputs.features[one], inputs.words[one], inputs.codes[one]
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


def test_asked_for_words_alone_it_gives_their_logits_row_by_row(inputs: Inputs) -> None:
    model, given = small_model(), (inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    whole, words_alone = model(*given), model(*given, word_places(inputs.words))
    torch.testing.assert_close(words_alone.text, whole.text[inputs.words != PAD])
    torch.testing.assert_close(words_alone.visual, whole.visual)


@pytest.mark.parametrize("norm", list(Norm))
def test_leaving_padding_out_changes_no_loss_and_no_gradient(inputs: Inputs, norm: Norm) -> None:
    def learnt(places: torch.Tensor | None) -> list[torch.Tensor]:
        model = small_model(norm=norm)
        output = model(inputs.users, inputs.items, inputs.features, inputs.words, None, places)
        words = output.text if places is not None else output.text[inputs.words != PAD]
        (words.square().sum() + output.rating.sum() + output.context.square().sum()).backward()
        gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
        return [output.rating, output.context, words, *gradients]

    packed, whole = learnt(word_places(inputs.words)), learnt(None)
    assert len(packed) == len(whole)
    for one, other in zip(packed, whole, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


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
    done = model.generate(inputs.users, inputs.items)
    assert done.codes is None
    assert done.words.shape == (4, 7)


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
        ({"width": 15}, "15 is not a multiple of model.heads 2"),
        ({"num_users": 0}, "model.num_users must be at least 1, got 0"),
        ({"grid": []}, "got num_codes 16, grid"),
        ({"grid": [6]}, r"must be \[rows, columns\], got \[6\]"),
        ({"visual_table": VisualTable.codebook}, r"needs the \(16, C\) code vectors, got None"),
    ],
)
def test_impossible_configs_name_both_values(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Meter(small_config(**changes))


def test_pictures_that_do_not_exist_leave_words_alone(inputs: Inputs) -> None:
    """−1 marks an absent picture: rating, context and words are as with any picture."""
    model = small_model()
    absent = torch.full_like(inputs.codes, -1)
    first = model(inputs.users, inputs.items, inputs.features, inputs.words, inputs.codes)
    second = model(inputs.users, inputs.items, inputs.features, inputs.words, absent)
    assert torch.equal(first.rating, second.rating)
    assert torch.equal(first.text, second.text)
