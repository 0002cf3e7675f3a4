"""How hard the clips of `ordered` are."""

from dataclasses import dataclass, fields

from gta.errors import UsageError, nearest

_RANGES: dict[str, tuple[float, float]] = {
    "stillness": (0.0, 0.45),
    "reach": (0.1, 1.0),
    "camera": (0.0, 4.0),
    "distractors": (1, 12),
    "noise": (0.0, 6.0),
}


@dataclass(frozen=True, slots=True)
class Difficulty:
    """Settings, none of which favors a class over its partner. The defaults are easy.

    Raises:
        UsageError: A value is out of range.
    """

    stillness: float = 0.15
    """Largest share of a clip before the event, and again after it: with a larger share, fewer
    frames show the event, at a less predictable moment."""
    reach: float = 1.0
    """Share of its way that an event covers, from any start: with a smaller share, the place of a
    thing says less about its direction."""
    camera: float = 1.0
    """Factor on the movement of the camera, which moves everything equally."""
    distractors: int = 3
    """Largest number of small things that drift about."""
    noise: float = 1.0
    """Factor on the noise of the sensor; 1 is 2 to 7 of 255 grey levels."""

    def __post_init__(self):
        for name, (least, most) in _RANGES.items():
            if not least <= getattr(self, name) <= most:
                raise UsageError(
                    f"{name}={getattr(self, name):g} is not possible; use {least:g} to {most:g}."
                )

    def __str__(self) -> str:
        return ", ".join(f"{field.name} {getattr(self, field.name):g}" for field in fields(self))


EASY = Difficulty()
DIFFICULTIES: dict[str, Difficulty] = {
    "easy": EASY,
    "hard": Difficulty(stillness=0.35, reach=0.3, camera=2.0, distractors=6, noise=2.0),
}
"""By name: that of the quickstart, and that of the experiments."""


def find_difficulty(name: str) -> Difficulty:
    """The difficulty of that name.

    Raises:
        UsageError: There is no such difficulty; the message names all.
    """
    if name not in DIFFICULTIES:
        raise UsageError(
            f"{name!r} is not a difficulty.{nearest(name, list(DIFFICULTIES))} It is one of: "
            f"{', '.join(DIFFICULTIES)}."
        )
    return DIFFICULTIES[name]
