"""An exported network with numpy and onnxruntime alone.

    python onnx_alone.py model.onnx clip.npy

clip.npy holds the frames of a video, RGB, uint8 (T, H, W, 3), resized as `resize` in the metadata
says. For `gta export RUN --out model.onnx`, and with --stream for one frame after the other.
"""

import json
import sys

import numpy as np
import onnxruntime

session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
texts = session.get_modelmeta().custom_metadata_map
about = {name: json.loads(text) for name, text in texts.items()}
video = np.load(sys.argv[2])
count, size = about["frames"], about["size"]
if about["sampling"] == "segments":  # the middle frame of each of so many equal parts
    chosen = [len(video) * (2 * i + 1) // (2 * count) for i in range(count)]
else:  # every so many-th frame, from the middle of the video
    stride = about["stride"] or 1
    start = max(len(video) - 1 - (count - 1) * stride, 0) // 2
    chosen = [min(start + i * stride, len(video) - 1) for i in range(count)]
if min(video.shape[1:3]) < size:
    sys.exit(f"frames are to be resized to {about['resize']} first; these are {video.shape[1:3]}")
top, left = (video.shape[1] - size) // 2, (video.shape[2] - size) // 2
frames = video[chosen, top : top + size, left : left + size] / 255
frames = ((frames - about["mean"]) / about["std"]).astype(np.float32).transpose(0, 3, 1, 2)
if about["form"] == "clips":
    (logits,) = session.run(None, {"clips": frames.transpose(1, 0, 2, 3)[None]})
else:
    names = [given.name for given in session.get_inputs()[1:]]
    shapes = [[1, *given.shape[1:]] for given in session.get_inputs()[1:]]
    state = [np.zeros(shape, np.float32) for shape in shapes]
    for frame in frames:
        given = dict(zip(names, state, strict=True))
        logits, *state = session.run(None, {"frame": frame[None], **given})
scores = np.exp(logits[0] - logits[0].max())
for i in np.argsort(-scores)[:5]:
    print(f"{scores[i] / scores.sum():.4f} {about['labels'][i]}")
