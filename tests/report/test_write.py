"""`gta report` of trained runs."""

import base64
import io
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import gta
from gta.cli.results import write_results
from gta.data.records import Video, VideoList
from gta.errors import DataError
from gta.evaluation.scores import Scores
from gta.inference import protocol_views
from gta.progress import Silent
from gta.protocols import parse_protocol
from gta.report.chosen import Chosen
from gta.report.previews import previews
from gta.report.write import write_report

from .test_page import decoded


class Said(Silent):
    def __init__(self):
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture(scope="module")
def scored(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that `gta test` has scored."""
    folder = tmp_path_factory.mktemp("reported") / "mine"
    shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("scores-*"))
    scores = gta.evaluate(folder, device="cpu")
    write_results(scores, folder / f"scores-{scores.protocol}.npz")
    return folder


def another(scored: Path, folder: Path) -> tuple[Path, Scores]:
    """The same run with other scores."""
    shutil.copytree(scored, folder)
    (file,) = folder.glob("scores-*.npz")
    scores = Scores.load(file)
    scores.scores[:] = scores.scores.flip(1)
    scores.save(file)
    return folder, scores


def data_in(file: Path) -> dict[str, Any]:
    text = file.read_text(encoding="utf-8")
    found = re.search('<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_a_report_has_what_its_run_has(scored: Path, tmp_path: Path):
    said = Said()
    data = data_in(write_report([scored], tmp_path / "report.html", videos=True, report=said))
    assert said.lines == []
    (run,) = data["runs"]
    assert run["network"].startswith("ResNet-10 + SA + GTA, 4 frames of 32x32")
    assert run["history"]["epoch"] == [1, 2]
    assert len(run["history"]["val_loss"]) == 2
    assert run["commands"][0].startswith("gta train --model tiny_gta --data ordered --root")
    assert run["environment"]["git"].keys() == {"gta", "folder"}
    assert len(data["videos"]["names"]) == len(data["clips"]) == 12
    names = {m["name"].split(" from")[0] for c in data["clips"] for m in c.get("maps", ())}
    assert names == {"spatial attention", "regions", "evidence for its answer (Grad-CAM)"}
    for link in data["videos"]["links"]:
        assert Path(link.removeprefix("file://")).is_file()


def test_a_drawn_matrix_is_the_weights(scored: Path, tmp_path: Path):
    model, _ = gta.load(scored).run.load()
    data = data_in(write_report([scored], tmp_path / "report.html"))
    drawn = data["runs"][0]["matrices"]
    assert len(drawn) == 4
    for entry in drawn:
        weights = model.get_parameter(f"{entry['block']}.{entry['level']}.matrix").detach().numpy()
        np.testing.assert_array_equal(decoded(entry["weights"]), weights.flatten())
        assert entry["shape"] == list(weights.shape)
    assert "links" not in data["videos"]  # only --videos tells where files are


def test_runs_are_compared_on_the_same_videos(scored: Path, tmp_path: Path):
    other, scores = another(scored, tmp_path / "other")
    data = data_in(write_report([scored, other], tmp_path / "report.html"))
    assert [run["name"] for run in data["runs"]] == ["mine", "other"]
    assert data["comparisons"][0] is None
    assert "A" in data["comparisons"][1]
    scores.classes[0] = "another"
    (file,) = other.glob("scores-*.npz")
    scores.save(file)
    with pytest.raises(DataError, match="do not match"):
        write_report([scored, other], tmp_path / "report.html")


def test_what_is_not_there_is_said_and_left_out(scored: Path, tmp_path: Path):
    bare = tmp_path / "bare"
    shutil.copytree(scored, bare, ignore=shutil.ignore_patterns("scores-*", "*.safetensors"))
    said = Said()
    data = data_in(write_report([bare], tmp_path / "report.html", report=said))
    assert said.lines[0] == f"{bare} has no scores: `gta test {bare}` makes them"
    assert said.lines[1].startswith("without matrices, maps and speed: ")
    assert data["runs"][0]["scores"] is None
    assert data["videos"] is None

    said = Said()
    data = data_in(write_report([scored], tmp_path / "r.html", root=tmp_path / "no", report=said))
    assert data["clips"] == []
    assert [line[:21] for line in said.lines] == ["no previews of clips:"]
    assert data["runs"][0]["scores"]["protocol"] == "1x1-center32"


def test_the_verb_says_where_the_report_is(scored: Path, gta, tmp_path: Path):
    done = gta("report", scored, "--out", tmp_path / "r.html", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"runs": [str(scored)], "report": str(tmp_path / "r.html")}
    assert (tmp_path / "r.html").stat().st_size > 100_000
    done = gta("report", tmp_path)
    assert done.returncode == 2
    assert "is not the folder of a run" in done.stderr


def test_a_video_that_cannot_be_read_has_no_preview(ordered: Path, trained: Path, tmp_path: Path):
    run = gta.load(trained, device="cpu").run
    views = protocol_views(
        VideoList([], run.classes), parse_protocol("1x1-center32"), run.recipe.clip
    )
    files = [*sorted(ordered.rglob("*.webm"))[:2], tmp_path / "gone.webm"]
    videos = {path.name: Video(path.name, path, 0) for path in files}
    chosen = [Chosen(place, ["hardest"]) for place in range(4)]  # the last is not in the list
    ids = [*videos, "unknown"]
    made = list(previews(chosen, videos, ids, views, None, run.recipe.clip))
    assert [entry["video"] for entry in made] == [0, 1]
    assert all(entry["frames"] == 4 and "maps" not in entry for entry in made)
    picture = base64.b64decode(made[0]["strip"].partition(",")[2])
    with Image.open(io.BytesIO(picture)) as image:
        assert image.size == (4 * 112, 112)
    few = previews(chosen, videos, ids, views, None, run.recipe.clip, budget=0)
    assert len(list(few)) == 1  # no more once the room is full
