"""What `gta predict --json` prints and `gta serve` answers: one form."""

from collections.abc import Mapping, Sequence
from typing import Any

from gta.data.spent import Spent
from gta.predict.predictor import Predictor


def told(
    predictor: Predictor,
    run: str,
    videos: Sequence[Mapping[str, Any]],
    *,
    seconds: float,
    spent: Spent,
    passed_over: Sequence[Mapping[str, str]] = (),
) -> dict[str, Any]:
    """The model, the answer on each video, and the speed.

    Args:
        predictor: The model.
        run: What it is called.
        videos: `Prediction.to_dict` of each, or its error.
        seconds: In all.
        spent: By stage.
        passed_over: What is no video: {"path", "reason"}.
    """
    return {
        **{"run": run, "weights": predictor.weights, "protocol": predictor.protocol.name},
        "videos": list(videos),
        "passed_over": list(passed_over),
        "speed": {"videos_per_second": len(videos) / seconds, **spent.per_clip()},
    }
