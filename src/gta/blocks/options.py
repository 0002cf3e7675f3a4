"""What the blocks say about options that cannot be."""

from collections.abc import Sequence


def require_option(name: str, value: object, allowed: Sequence[object]) -> None:
    """Raise `ValueError` unless the value is one of those allowed."""
    if value not in allowed:
        choices = ", ".join(repr(choice) for choice in allowed)
        raise ValueError(f"there is no {name}={value!r}: {name} must be one of {choices}")


def require_positive(name: str, value: int) -> None:
    """Raise `ValueError` unless the value is at least 1."""
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")


def width_of(channels: int, share: int, width: int | None) -> int:
    """The width of a block: the given width, or `channels // share`."""
    if width is None:
        if channels < share:
            raise ValueError(
                f"{channels} channels are too few for the default width of channels/{share}: "
                f"give at least {share} channels, or the width"
            )
        return channels // share
    require_positive("width", width)
    return width
