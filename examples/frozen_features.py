"""A frozen trunk: its features are computed once, then heads train in seconds.

    pip install "gta-video[pretrained]"
    python examples/frozen_features.py my_videos/ runs/

Two heads are trained on the same features: the mean over frames, and attention in space and time.
"""

import sys
from pathlib import Path

import gta

HEADS = {"mean": "folder/lite0", "attention": "folder/lite0_gta"}


def main(folder: str, out: str, *settings: str) -> dict[str, float]:
    """Returns the accuracy of each head on the videos that were held out."""
    accuracy = {}
    for name, recipe in HEADS.items():
        chosen = ["train.freeze=true", *settings]
        run = gta.train(recipe, folder, Path(out) / name, settings=chosen)
        accuracy[name] = gta.evaluate(run).top(1)
    for name, top1 in accuracy.items():
        print(f"{name}: {top1:.1%}")
    return accuracy


if __name__ == "__main__":
    main(*sys.argv[1:])
