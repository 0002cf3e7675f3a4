"""Search in videos: which of a folder are most like one that is given.

python examples/search.py runs/mine folder/ video.mp4
"""

import sys

import torch
from torch.nn.functional import cosine_similarity

import gta
from gta.errors import UsageError
from gta.predict import find_videos


def main(run: str, folder: str, video: str, count: int = 5) -> list[str]:
    """Returns the paths, the most alike first."""
    model, names, vectors = gta.load(run), list[str](), list[torch.Tensor]()
    paths = find_videos(folder).videos
    for path, found in zip(paths, model.predict_many(paths, embeddings=True), strict=True):
        if not isinstance(found, UsageError):  # one bad file ends nothing
            assert found.embedding is not None
            names.append(str(path))
            vectors.append(found.embedding)
    alike = cosine_similarity(model.embed(video), torch.stack(vectors), dim=-1)
    order = alike.argsort(descending=True)[:count].tolist()
    for i in order:
        print(f"{alike[i]:.3f} {names[i]}")
    return [names[i] for i in order]


if __name__ == "__main__":
    main(*sys.argv[1:])
