"""What a run looks at in a video: an overlay in motion, and how evenly it looks over the frames.

python examples/draw_attention.py runs/mine video.mp4 pictures/
"""

import sys
from pathlib import Path

import gta
from gta.figures.maps import attention_over_frames
from gta.figures.motion import playing_rate, write_motion
from gta.figures.overlay import overlay_frames
from gta.figures.subject import Subject


def main(run: str, video: str, folder: str) -> Path:
    """Returns the path of the overlay."""
    predictor = gta.load(run)
    clip, classes = predictor.run.recipe.clip, predictor.run.classes
    subject = Subject(run, predictor.model, predictor.views(video)[0], clip, classes)
    for layer in subject.seen.of_kind("joint", "temporal"):
        over_frames = attention_over_frames(layer, subject.query)
        print(layer.name, " ".join(f"{share:.2f}" for share in over_frames))
    path = Path(folder) / "overlay.mp4"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_motion(path, overlay_frames(subject), playing_rate(len(subject.frames)))
    return path


if __name__ == "__main__":
    main(*sys.argv[1:])
