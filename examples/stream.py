"""A network for streams, frame by frame: what it says changes while the video plays.

python examples/stream.py runs/causal video.mp4
"""

import sys
from pathlib import Path

import gta
from gta.data.decode import frames_in_order
from gta.predict.stream import FrameByFrame


def main(run: str, video: str) -> list[str]:
    """Returns the most probable class after each frame."""
    predictor = gta.load(run)  # trained as one of the models *_causal
    model, classes, said = FrameByFrame(predictor), predictor.run.classes, []
    for number, frame in enumerate(frames_in_order(Path(video))):
        scores = model(frame.image())
        said.append(classes[int(scores.argmax())])
        print(f"frame {number}, {frame.time:.2f} s: {said[-1]} {scores.max():.0%}")
    return said


if __name__ == "__main__":
    main(*sys.argv[1:])
