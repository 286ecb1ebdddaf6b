"""A tokenized sentence as people write it."""

import re

_CLOSING = re.compile(r" (?=[.,!?;:%)\]}…]|n't\b|'(?:s|m|d|ll|re|ve)\b)")
"""A space that tokenizers put before punctuation and before the second part of a contraction."""
_OPENING = re.compile(r"(?<=[(\[{$#]) ")
_HYPHEN = re.compile(r"(?<=\w) - (?=\w)")
_QUOTED = re.compile(r"(?:``|\") (.*?) (?:''|\")")
_FIRST = re.compile(r"(?:^|(?<=[.!?] ))[a-z]")
_I = re.compile(r"\bi\b(?!\.\w)")


def written_out(tokens: str) -> str:
    """Joins the tokens of a sentence (``"the room was n't big , i think ."``) to ``"The room wasn't big, I think."``.

    Only spaces and capitals change; names stay as the tokens have them.
    """
    text = _QUOTED.sub(r"“\1”", " ".join(tokens.split()))
    for joint in (_CLOSING, _OPENING):
        text = joint.sub("", text)
    text = _HYPHEN.sub("-", text)
    return _FIRST.sub(lambda found: found[0].upper(), _I.sub("I", text))
