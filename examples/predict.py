"""The classes of all videos in a folder, errors and all, as JSON lines.

python examples/predict.py runs/mine new_videos/
"""

import json
import sys

import gta
from gta.errors import VideoError
from gta.predict import find_videos


def main(run: str, folder: str) -> list[str]:
    """Returns the lines that are printed."""
    model = gta.load(run)
    lines = []
    for path in find_videos(folder):
        try:
            lines.append(model(path).to_json(top=3))
        except VideoError as error:  # one bad file ends nothing
            lines.append(json.dumps({"video": error.path, "error": error.reason}))
        print(lines[-1])
    return lines


if __name__ == "__main__":
    main(*sys.argv[1:])
