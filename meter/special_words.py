"""The special words: the first rows of every vocabulary and of every table of words."""

PAD, BOS, EOS, UNK = range(4)
SPECIAL_WORDS = ("<pad>", "<bos>", "<eos>", "<unk>")
