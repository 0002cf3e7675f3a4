"""The time of a rendered clip's event."""

from pathlib import Path

from gta.errors import UsageError
from gta.ordered.classes import find_class
from gta.ordered.difficulty import Difficulty
from gta.ordered.render import draw_clip
from gta.ordered.seeds import clip_seed
from gta.ordered.state import DONE, read_options


def event_frames(root: Path, clip_id: str) -> list[int]:
    """The frames of a clip during which its event happens; none if it has no event, or no end.

    Args:
        root: The folder that `render_dataset` wrote.
        clip_id: The name of the clip's file without its ending.

    Raises:
        UsageError: The folder is not complete, or has no such clip.
    """
    try:
        options = read_options(root / DONE)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{root} is no complete folder of `gta render` ({error!r})") from error
    total = options["num_train"] + options["num_val"]
    if not clip_id.isdecimal() or not 1 <= int(clip_id) <= total:
        raise UsageError(f"{root} has the clips 1 to {total}; got {clip_id!r}")
    index, split = int(clip_id) - 1, 0
    if index >= options["num_train"]:
        index, split = index - options["num_train"], 1
    ordered_class = find_class(options["classes"][index % len(options["classes"])])
    count = options["num_frames"]
    scene = draw_clip(
        ordered_class,
        count,
        options["width"] / options["height"],
        clip_seed(options["seed"], split, index),
        Difficulty(**options["difficulty"]),
    )
    if scene.event is None:
        return []
    begin, end = scene.event
    if ordered_class.is_reversed:
        begin, end = 1 - end, 1 - begin
    return [frame for frame in range(count) if begin <= frame / (count - 1) <= end]
