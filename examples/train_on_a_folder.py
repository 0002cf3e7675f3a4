"""Own videos, a folder per class: training, scores and a prediction.

python examples/train_on_a_folder.py my_videos/ runs/mine
python examples/train_on_a_folder.py my_videos/ runs/mine folder/lite0_gta train.epochs=20
"""

import sys

import gta
from gta.predict import find_videos


def main(folder: str, out: str, recipe: str = "folder/tiny_gta", *settings: str) -> float:
    """Returns the accuracy on the videos that were held out."""
    run = gta.train(recipe, folder, out, settings=settings)  # again: it goes on
    scores = gta.evaluate(run)
    low, high = scores.interval()
    print(f"top-1 {scores.top(1):.1%} ({low:.1%} to {high:.1%}) of {len(scores)} videos")
    print(gta.load(run)(find_videos(folder).videos[0]))
    return scores.top(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
