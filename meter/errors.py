"""The one error that means: what the user gave is wrong, not the program."""


class InputError(Exception):
    """The user's data or config is wrong; the message says what, where and what to do, in one line.

    Every command prints the message without a traceback and ends with exit status 2.
    """
