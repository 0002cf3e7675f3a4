"""Names of files, classes and runs as people see them. A name is data: nothing in it acts."""

import re

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f"  # control characters: line ends, tabs, what begins an ANSI sequence
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2060-\u206f\ufeff\ufff9-\ufffb"  # nothing to see
    "\u2028-\u202e"  # more line ends, and what turns the direction of writing
    "\ud800-\udfff"  # bytes of a file name that is not UTF-8, and halves of a character
    "\U000e0000-\U000e007f]"
)


def shown(text: str, keep: str = "") -> str:
    r"""A text with what cannot be seen written out: `\n`, `\x1b`, `\u202e`, `\xe9`.

    On a terminal, in a log and in a figure it is then one line, and what it is.

    Args:
        text: May hold names that were not made here.
        keep: Characters to leave as they are, such as the line ends of a message.
    """
    return _UNSEEN.sub(lambda match: match[0] if match[0] in keep else _written(match[0]), text)


def as_utf8(text: str) -> str:
    r"""The same text where all is UTF-8; a byte of a file name that is not becomes `\udcXX`."""
    return text.encode("utf-8", "backslashreplace").decode()


def _written(character: str) -> str:
    if "\udc80" <= character <= "\udcff":  # how Python holds a byte that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode()
