"""A Kinetics checkpoint of PySlowFast, with GTA inserted, trained on own videos.

    python examples/finetune_slowfast.py SLOWFAST_8x8_R50.pkl my_videos/ runs/mine

The checkpoint is recognised by the names of its tensors. Its classifier is for other classes and is
left out; the inserted blocks begin as the identity. What was loaded is in the run's log.txt.
"""

import sys

import gta


def main(checkpoint: str, folder: str, out: str, *settings: str) -> str:
    """Returns what the log says of the weights."""
    own = {
        "data.format": "folder",
        "model.weights": checkpoint,
        "train.lr": 0.01,
        "train.epochs": 20,
    }
    given = dict(setting.split("=", 1) for setting in settings)
    run = gta.train("ssv2/slowfast50_gta", folder, out, settings=own | given)
    print(gta.evaluate(run))
    log = (run.folder / "log.txt").read_text(encoding="utf-8")
    return next(line for line in log.splitlines() if "PySlowFast" in line)


if __name__ == "__main__":
    main(*sys.argv[1:])
