"""`gta predict` on a stream of frames."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gta.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from gta.predict import Predictor

StreamOption = Annotated[
    bool,
    typer.Option("--stream", help="Frame by frame, with VIDEO - for standard input."),
]
CameraOption = Annotated[
    int | None,
    typer.Option(
        "--camera", min=0, metavar="N", help="Frame by frame, from the camera /dev/videoN."
    ),
]
LiveOption = Annotated[
    bool,
    typer.Option("--live", help="Standard input does not wait: late frames are dropped."),
]


@dataclass(frozen=True)
class StreamOptions:
    """The options of streams."""

    stream: bool
    camera: int | None
    size: str | None
    live: bool

    @property
    def asked(self) -> bool:
        """Whether a stream is to be predicted."""
        return self.stream or self.camera is not None

    def require_alone(self, videos: Sequence[Path], others: Sequence[str]) -> None:
        """Raise `UsageError` for an option that does not apply to a stream."""
        if self.camera is not None and (videos or self.size):
            raise UsageError("--camera is a stream of its own: leave VIDEO and --size out")
        if self.camera is None and [str(v) for v in videos] != ["-"]:
            raise UsageError(
                "--stream reads standard input, VIDEO -, such as `ffmpeg ... -f matroska - | gta "
                "predict RUN - --stream`; files are predicted without it, cameras with --camera"
            )
        if others:
            raise UsageError(
                f"{', '.join(others)}: does not apply to a stream, predicted frame by frame"
            )

    def require_fit(self) -> None:
        """Raise `UsageError` for an option of streams without a stream."""
        if not self.asked and self.live:
            raise UsageError("--live is for a stream: add --stream")

    def source(self) -> "Callable[[], Iterator[np.ndarray]]":
        """A function that opens the stream."""
        from gta.data.decode.live import camera_frames, piped_frames, raw_frames
        from gta.predict.standard_input import parse_size

        if self.camera is not None:
            return partial(camera_frames, self.camera)
        if self.size is None:
            return partial(piped_frames, sys.stdin.buffer)
        return partial(raw_frames, sys.stdin.buffer, *parse_size(self.size))


def predict_stream(
    predictor: "Predictor", options: StreamOptions, *, top: int, as_json: bool
) -> None:
    """Prints a line after each frame: one JSON object per line, or a line of text."""
    import json

    from gta.cli.console import Terminal
    from gta.predict.stream import Arrivals, stride_of, watch

    terminal = Terminal(stderr=as_json)
    recipe = predictor.run.recipe
    arrivals = Arrivals(
        options.source(),
        stride=stride_of(recipe),
        live=options.live or options.camera is not None,
        returns=options.camera is not None,
    )
    count, slowest, last = 0, 0.0, None
    for answer in watch(predictor, arrivals):
        count, slowest, last = count + 1, max(slowest, answer.latency_ms), answer
        ranked = answer.scores[:top]
        if as_json:
            row = {
                "frame": answer.frame,
                "seconds": round(answer.seconds, 3),
                "top": [{"class": name, "score": score} for name, score in ranked],
                "latency_ms": round(answer.latency_ms, 2),
                "dropped": answer.dropped,
                "restarts": answer.restarts,
            }
            print(json.dumps(row), flush=True)
            continue
        best = ", ".join(f"{name} {score:.0%}" for name, score in ranked)
        lost = f", {answer.dropped} dropped" if answer.dropped else ""
        again = f", {answer.restarts} reconnects" if answer.restarts else ""
        terminal.say(
            f"frame {answer.frame}  {answer.seconds:.1f} s  {best}  "
            f"({answer.latency_ms:.0f} ms{lost}{again})"
        )
    if last is None:
        raise UsageError("the stream ended before its first frame")
    terminal.say(
        f"{count} frames seen, {last.dropped} dropped, at most {slowest:.0f} ms from a frame to "
        f"its answer"
    )
