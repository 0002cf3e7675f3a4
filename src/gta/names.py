"""The display of names of files, classes and runs. Names are data: they are escaped."""

import re

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters: line ends, tabs, what begins an ANSI sequence
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible
    "\u2028-\u202e"  # more line ends, and changes of the direction of writing
    "\ud800-\udfff"  # bytes of a file name that is not UTF-8, and halves of a character
    "\U000e0000-\U000e007f]"
)


def shown(text: str, keep: str = "") -> str:
    r"""A text with invisible characters escaped: `\n`, `\x1b`, `\u202e`, `\xe9`.

    On a terminal, in a log and in a figure it is then a single, unambiguous line.

    Args:
        text: A text with names from outside.
        keep: Characters to leave as they are, such as the line ends of a message.
    """
    return _UNSEEN.sub(lambda match: match[0] if match[0] in keep else _written(match[0]), text)


def as_utf8(text: str) -> str:
    r"""The text as valid UTF-8; other bytes of a file name become `\udcXX`."""
    return text.encode("utf-8", "backslashreplace").decode()


def _written(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # Python's form of a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
