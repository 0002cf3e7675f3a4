"""The differences between the two parts of `sit-stand`: the camera, and the direction of motion.

And how far scenes determine the class in the first part, so that a network needs only the scene and
the direction of time.

    python -m experiments.real_gap

Needs the clips that `experiments.real --reduce` has made, and no GPU; writes results/gap.json.
"""

import argparse
import json
from pathlib import Path

import torch
from torch import Tensor

from experiments.real_clips import RealClips, grey, load_real
from experiments.results import FILE, WORK

GAP_FILE = FILE.with_name("gap.json")
_STILL = 8.0
"""Largest difference of a still pixel from its median over time, in grey levels."""
_STILL_CAMERA = 20
"""Longest path of a still camera, in rows."""
_FARTHEST = 12
"""Most pixels that the camera may move between frames."""


def falls(frames: Tensor) -> bool:
    """Whether the motion is downwards: the slope over time of its mean row. Frames (T, H, W)."""
    moved = (frames - frames.median(dim=0).values).abs().sub(_STILL).clamp(min=0)
    row = (moved.sum(2) * torch.arange(frames.shape[1])).sum(1) / moved.sum((1, 2)).clamp(min=1e-6)
    time = torch.linspace(-1, 1, len(frames))
    return bool((row * time).sum() > 0)


def camera_path(frames: Tensor) -> int:
    """Total vertical movement of the picture in rows, by phase correlation. Frames (T, H, W)."""
    height, width = frames.shape[1:]
    window = torch.hann_window(height)[:, None] * torch.hann_window(width)
    spectra = torch.fft.fft2((frames - frames.mean((1, 2), keepdim=True)) * window)
    cross = spectra[:-1].conj() * spectra[1:]
    peaks = torch.fft.ifft2(cross / cross.abs().clamp(min=1e-3)).real
    near = peaks.roll((_FARTHEST, _FARTHEST), (1, 2))[:, : 2 * _FARTHEST + 1, : 2 * _FARTHEST + 1]
    rows = near.flatten(1).argmax(1) // (2 * _FARTHEST + 1) - _FARTHEST
    return int(rows.abs().sum())


def measure(clips: RealClips) -> dict[str, dict[str, float]]:
    """For each part: clips, known scenes, clips in scenes of one class, camera path, and a rule.

    The camera path is the median, in heights of the picture. The rule answers "sit down", the first
    class, if the motion is downwards: "right" counts its correct answers, also among the clips with
    a still camera.
    """
    measured = {}
    for part, mine in (("train", clips.is_train), ("val", ~clips.is_train)):
        frames = [grey(clip) for clip in clips.frames[mine]]
        paths = torch.tensor([camera_path(clip) for clip in frames])
        correct = torch.tensor([falls(clip) for clip in frames]) == (clips.labels[mine] == 0)
        pairs = [
            (int(scene), int(label))
            for scene, label in zip(clips.scenes[mine], clips.labels[mine], strict=True)
            if scene >= 0
        ]
        both = {scene for scene, label in pairs if (scene, 1 - label) in pairs}
        measured[part] = {
            "clips": len(frames),
            "scenes": len({scene for scene, _ in pairs}),
            "of_one_class": sum(scene not in both for scene, _ in pairs),
            "camera_path": round(float(paths.median()) / frames[0].shape[1], 3),
            "right": int(correct.sum()),
            "still": int((paths <= _STILL_CAMERA).sum()),
            "still_right": int(correct[paths <= _STILL_CAMERA].sum()),
        }
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, default=WORK)
    given = parser.parse_args()
    measured = measure(load_real(given.work / "sit-stand.npz"))
    GAP_FILE.write_text(json.dumps(measured, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
