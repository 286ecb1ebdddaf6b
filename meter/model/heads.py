"""The four heads (§3.4): rating, context words, text, visual codes."""

from jaxtyping import Float
from torch import Tensor, nn


class RatingHead(nn.Module):
    """r̂ = σ(s_u W1 + b1) W2 + b2; the sigmoid is on the hidden layer, the rating is unbounded."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.output = nn.Linear(width, 1)

    def forward(self, state: Float[Tensor, "B D"]) -> Float[Tensor, " B"]:
        return self.output(self.hidden(state).sigmoid()).squeeze(-1)


class Heads(nn.Module):
    """Rating from s_u (or s_f), context from s_i, words from BOS and e, codes from BOI and v.

    num_codes: K, or 0 for a model without pictures.
    shared_word_head: whether the text head's weights predict the context too; ``context`` is None then.
    """

    def __init__(self, width: int, num_words: int, num_codes: int, shared_word_head: bool) -> None:
        super().__init__()
        self.rating = RatingHead(width)
        self.context = None if shared_word_head else nn.Linear(width, num_words)
        self.text = nn.Linear(width, num_words)
        self.visual = nn.Linear(width, num_codes) if num_codes else None

    def context_words(self, item_state: Float[Tensor, "B D"]) -> Float[Tensor, "B W"]:
        """Logits of the words around the pair: one distribution for a whole sentence."""
        return self.text(item_state) if self.context is None else self.context(item_state)
