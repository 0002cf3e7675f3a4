"""Predictions of all inputs of `gta predict`, in order."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from gta.cli import predict_output
from gta.cli.console import Terminal, print_json, warn
from gta.cli.predict_inputs import Inputs, reason_of
from gta.cli.tables import prediction_table
from gta.data.spent import Spent
from gta.errors import UsageError, VideoError
from gta.names import shown
from gta.predict import Prediction, Predictor
from gta.predict.embedding_files import check_ending, write_embeddings
from gta.predict.told import told

SHOWN = 5
"""How many places with files that are passed over the terminal lists."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How predictions are made and shown."""

    top: int
    batch_size: int | None
    threads: int | None
    as_json: bool
    as_csv: bool
    out: tuple[Path, ...]
    embeddings: Path | None

    def __post_init__(self):
        for path in self.out:
            predict_output.check_ending(path)
        if self.embeddings is not None:
            check_ending(self.embeddings)


def predict_all(
    predictor: Predictor, run: str, inputs: Inputs, wanted: Wanted, fps: float | None
) -> int:
    """Predicts, shows and writes; returns the exit code."""
    terminal = Terminal(stderr=wanted.as_json or wanted.as_csv)
    tables = not (wanted.as_json or wanted.as_csv or wanted.out)
    answers: list[dict[str, Any]] = []
    vectors, named = list[Tensor](), list[str]()
    spent, exit_code, began = Spent(), 0, time.perf_counter()
    predictions = predictor.predict_many(
        inputs.videos,
        fps=fps,
        batch_size=wanted.batch_size,
        threads=wanted.threads,
        embeddings=wanted.embeddings is not None,
        spent=spent,
    )
    with terminal.track("predict", len(inputs.items)) as advance:
        for name, item in zip(inputs.names, inputs.items, strict=True):
            prediction = item if isinstance(item, VideoError) else next(predictions)
            if isinstance(prediction, UsageError):
                exit_code = prediction.exit_code
                warn(f"{shown(name)}: {reason_of(prediction)}")
                answers.append({"video": name, "error": reason_of(prediction)})
            else:
                answers.append(_answer(name, prediction, wanted.top, inputs))
                if prediction.embedding is not None:
                    vectors.append(prediction.embedding)
                    named.append(name)
                if tables:
                    terminal.show(prediction_table(name, prediction.scores[: wanted.top]))
            advance(len(answers), _pace(len(answers), time.perf_counter() - began, spent))
    seconds = time.perf_counter() - began
    about = told(
        *(predictor, run, answers),
        seconds=seconds,
        spent=spent,
        passed_over=[{"path": str(place), "reason": what} for place, what in inputs.passed_over],
    )
    for path in wanted.out:
        predict_output.write_answers(path, about)
    if wanted.embeddings is not None:
        write_embeddings(wanted.embeddings, vectors, named)
    say_passed_over(terminal, inputs)
    if wanted.as_json:
        print_json(about)
        return exit_code
    if wanted.as_csv:
        rows = predict_output.rows_of(answers)
        predict_output.print_csv(predict_output.csv_text(predict_output.COLUMNS, rows))
    if len(answers) > 1:
        terminal.say(_pace(len(answers), seconds, spent))
    for path in (*wanted.out, *([wanted.embeddings] if wanted.embeddings else [])):
        terminal.say(f"written: {path}")
    terminal.say(
        f"{run}: {predictor.weights}, protocol {predictor.protocol}{_counts(answers, inputs)}"
    )
    return exit_code


def _answer(name: str, prediction: Prediction, top: int, inputs: Inputs) -> dict[str, Any]:
    cut = prediction.cut_off or inputs.cut_off.get(name)
    if cut is not None:
        warn(
            f"{name} is cut off: {cut}. This is what its beginning shows; copy or download it again"
        )
    if prediction.damage:
        warn(f"{name} is damaged: {prediction.damage} of its frames were missing or not whole")
    return prediction.to_dict(top) | {"video": name} | ({} if cut is None else {"cut_off": cut})


def _pace(done: int, seconds: float, spent: Spent) -> str:
    stages = spent.per_clip()
    return (
        f"{done / seconds:.1f} videos/s; ms a clip: decode {stages['decode_ms']:.1f}, transform "
        f"{stages['transform_ms']:.1f}, network {stages['network_ms']:.1f}"
    )


def say_passed_over(terminal: Terminal, inputs: Inputs) -> None:
    """Prints how lists were read, and which files are no videos."""
    for note in inputs.notes:
        terminal.say(note)
    for place, what in inputs.passed_over[:SHOWN]:
        terminal.say(f"passed over in {place}, {what}")
    if len(inputs.passed_over) > SHOWN:
        terminal.say(
            f"passed over in {len(inputs.passed_over) - SHOWN} more places; --json lists all"
        )


def _counts(answers: list[dict[str, Any]], inputs: Inputs) -> str:
    predicted = sum("top" in answer for answer in answers)
    counts = f"; {predicted} video{'s' * (predicted != 1)}" if len(answers) > 1 else ""
    if cut := sum("cut_off" in answer for answer in answers):
        counts += f"; {cut} cut off"
    if damaged := sum("damage" in answer for answer in answers):
        counts += f"; {damaged} damaged"
    if predicted < len(answers):
        counts += f"; {len(answers) - predicted} could not be read"
    if inputs.num_passed_over:
        counts += f"; {inputs.num_passed_over} passed over"
    return counts
