"""Accuracy by scene."""

from collections import defaultdict

from gta.data.formats.scenes import read_scenes
from gta.evaluation.metrics import ranks
from gta.evaluation.scores import Scores


def by_scene(scores: Scores, scenes: str | None) -> list[str]:
    """A line for each scene of the scored videos, the worst first; none without a file of scenes.

    Args:
        scores: Of videos with labels.
        scenes: The recipe's `data.scenes`.
    """
    if scenes is None:
        return []
    scene_of, hits_of = read_scenes(scenes), defaultdict[str, list[bool]](list)
    right = ranks(scores.scores, scores.labels) == 1
    for id, hit in zip(scores.ids, right.tolist(), strict=True):
        if id in scene_of:
            hits_of[scene_of[id]].append(hit)
    rows = sorted(hits_of.items(), key=lambda row: sum(row[1]) / len(row[1]))
    return [
        f"scene {name}: {sum(hits) / len(hits):.1%} of {len(hits)} video{'s' * (len(hits) != 1)}"
        for name, hits in rows
    ]
