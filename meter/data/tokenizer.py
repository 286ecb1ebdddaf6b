"""Raw text to words: lower case, punctuation separated, numbers whole."""

import re
import unicodedata

_QUOTES = str.maketrans({"‘": "'", "’": "'", "‛": "'", "`": "'", "“": '"', "”": '"', "„": '"', "…": "..."})

_TOKEN = re.compile(
    r"""
    \d+(?:[.,:]\d+)+            # 11.50  1,000  5:50
  | \w+(?:['-]\w+)*             # pool  didn't  check-in  2nd
  | \.\.+                       # ...
  | [^\w\s]                     # every other character by itself
    """,
    re.VERBOSE,
)


def tokenize(text: str) -> list[str]:
    """Splits raw text into words and punctuation.

    Text that is tokenized already does not change: ``tokenize(" ".join(tokenize(text))) == tokenize(text)``.

    >>> tokenize("The A/C didn't work... $11.50 for check-in at 5:50!")
    ['the', 'a', '/', 'c', "didn't", 'work', '...', '$', '11.50', 'for', 'check-in', 'at', '5:50', '!']
    """
    return _TOKEN.findall(unicodedata.normalize("NFC", text.translate(_QUOTES).lower()))
