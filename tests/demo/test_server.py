"""What the demo's server answers, and what it refuses."""

import asyncio
import base64
import http.client
import json
import socket
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gta
from gta import shipped
from gta.demo import clips as clips_module
from gta.demo import run as run_module
from gta.demo.clips import Clips, Loaded, load, map_of
from gta.demo.reading import Deadline, read_views, read_windows
from gta.demo.run import pickable
from gta.demo.server import Demo, make_app
from gta.errors import UsageError, VideoError
from gta.figures.maps import Query, joint_attention, look, spatial_attention
from gta.figures.regions import region_shares, shown_regions
from gta.ordered import render_dataset
from gta.runs import open_run
from gta.web.server import listening_socket
from gta.web.uploads import Limits

from .conftest import Running


def ask(
    running: Running, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, Any, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=60)
    method = "GET" if body is None else "POST"
    connection.request(method, path, body, headers or {})
    answer = connection.getresponse()
    content = answer.read()
    kind = answer.headers.get("content-type", "")
    told = json.loads(content) if kind.startswith("application/json") else content
    return answer.status, told, {name.lower(): value for name, value in answer.headers.items()}


def test_an_upload_is_scored_as_gta_predict_does_and_is_gone(running: Running, trained: Path):
    video = running.videos[0]
    status, told, _ = ask(running, "/api/clips", video.read_bytes())
    assert status == 200, told
    expected = gta.load(trained, device="cpu")(video)
    assert told["top"][0]["class"] == expected.label
    for entry, (name, score) in zip(told["top"], expected.scores, strict=False):
        assert entry["class"] == name
        assert entry["score"] == pytest.approx(score, abs=1e-4)
    assert len(told["times"]) == len(told["over_time"][0]) == 5
    assert running.stored() == []


def test_frames_and_maps_of_a_clip(running: Running):
    _, told, _ = ask(running, "/api/clips", running.videos[0].read_bytes())
    status, picture, headers = ask(running, f"/api/clips/{told['clip']}/frames/0")
    assert (status, headers["content-type"]) == (200, "image/webp")
    assert picture[:4] == b"RIFF"
    for each in told["maps"]:
        query = f"kind={each['kind']}&layer={each['layer']}&x=3&y=5&frame=1"
        status, found, _ = ask(running, f"/api/clips/{told['clip']}/map?{query}")
        assert status == 200
        weights = np.frombuffer(base64.b64decode(found["data"]), np.uint8)
        assert weights.size == np.prod(found["shape"])
        assert 0 < weights.max() <= 255
        assert found["most"] > 0
    assert {each["kind"] for each in told["maps"]} == {"spatial", "regions", "evidence"}


def test_one_of_the_runs_videos(running: Running):
    _, about, _ = ask(running, "/api/about")
    assert len(about["videos"]) == 12
    assert about["videos"][0]["class"].startswith("Moving something")
    status, told, _ = ask(running, "/api/videos/3", b"")
    assert status == 200
    assert told["frames"] == 4
    assert ask(running, "/api/videos/12", b"")[0] == 422
    assert ask(running, "/api/videos/nan", b"")[0] == 422


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:80"},
        {"Host": "127.0.0.1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/api/about", "/api/clips"])
def test_a_foreign_page_and_a_foreign_name_are_refused(running: Running, headers, path: str):
    body = b"x" if path == "/api/clips" else None
    status, told, _ = ask(running, path, body, headers)
    assert status == 403
    assert told == {"error": "this server answers its own page on this machine only"}


def test_its_own_page_is_let_through_and_may_load_nothing_from_elsewhere(running: Running):
    own = {"Host": f"localhost:{running.port}", "Origin": f"http://localhost:{running.port}"}
    status, _, headers = ask(running, "/", None, own)
    assert status == 200
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the file is empty"),
        (b"no video at all" * 100, "this cannot be read as a video: "),
        (b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "this cannot be read as a video: "),
    ],
)
def test_what_is_no_video_is_told_without_a_place(running: Running, body: bytes, reason: str):
    status, told, _ = ask(running, "/api/clips", body)
    assert status == 422
    assert told["error"].startswith(reason)
    assert str(running.uploads) not in told["error"]
    assert running.stored() == []


def test_a_body_that_is_too_large_is_refused_before_and_while_it_comes(running: Running):
    status, told, _ = ask(running, "/api/clips", b"x", {"Content-Length": str(2**40)})
    assert status == 413
    assert told == {"error": "a video may have 64 MB here, and this has more"}
    assert running.stored() == []


def test_a_clip_that_is_not_there_any_more(running: Running):
    status, told, _ = ask(running, "/api/clips/unknown/frames/0")
    assert status == 410
    assert told == {"error": "this clip is no longer in memory; open the video again"}
    clips, loaded = Clips(2), Loaded(*[None] * 5)  # type: ignore[arg-type]
    first, second = clips.add(loaded), clips.add(loaded)
    assert clips.get(first) is loaded  # looked at, so the other one is the oldest
    clips.add(loaded)
    assert clips.get(first) is loaded
    assert clips.get(second) is None


def test_a_map_of_the_page_is_what_the_model_computes(
    trained: Path, ordered: Path, monkeypatch: pytest.MonkeyPatch
):
    predictor = gta.load(trained, device="cpu")
    clip = predictor.run.recipe.clip
    view = predictor.views(sorted(ordered.rglob("*.webm"))[0])[0]
    loaded, seen = load(predictor.model, view, clip, 1), look(predictor.model, view, clip)
    query = Query(20, 9, 2)
    for each in loaded.kinds()[:-1]:
        layer = seen.layers[each["layer"]]
        found = map_of(loaded, each["kind"], each["layer"], query)
        ways = {"spatial": spatial_attention, "joint": joint_attention}
        kind = each["kind"]
        expected = (
            shown_regions(region_shares(layer)).above
            if kind == "regions"
            else ways[kind](layer, query)
        )
        weights = np.frombuffer(base64.b64decode(found["data"]), np.uint8).reshape(found["shape"])
        np.testing.assert_allclose(
            weights / 255 * found["most"], expected, atol=found["most"] / 500
        )
    evidence = map_of(loaded, "evidence", -1, query)
    monkeypatch.setattr(clips_module, "grad_cam", None)  # a later click computes it no more
    assert map_of(loaded, "evidence", -1, Query(1, 1, 1)) == evidence
    with pytest.raises(UsageError, match="there is no layer 99"):
        map_of(loaded, "spatial", 99, query)


def test_of_several_views_the_answer_is_their_mean(trained: Path, ordered: Path, tmp_path: Path):
    predictor = gta.load(trained, device="cpu", protocol="3x2-full32")
    video = sorted(ordered.rglob("*.webm"))[0]
    demo = Demo(predictor, [], tmp_path, Limits())
    told = demo.open(video)
    expected = predictor(video).scores
    assert [each["class"] for each in told["top"]] == [name for name, _ in expected[:5]]
    assert told["top"][0]["score"] == pytest.approx(expected[0][1], abs=1e-5)
    loaded = demo.clips.get(told["clip"])
    assert loaded is not None
    assert np.array_equal(loaded.view, predictor.views(video)[4])  # center of the second clip


def test_reading_that_takes_too_long_ends(trained: Path, ordered: Path):
    predictor = gta.load(trained, device="cpu")
    views = predictor.view_clips
    video = sorted(ordered.rglob("*.webm"))[0]
    late = Deadline(video, 0)
    late.over -= 1
    with pytest.raises(VideoError, match="takes longer than 0 seconds to read"):
        read_views(views, video, late)
    windows = read_windows(views, video, Deadline(video, 60))
    assert windows.views.shape == (5, 3, 4, 32, 32)  # of 8 frames, 4 at a time
    assert windows.times == sorted(windows.times)


def test_the_model_in_the_package_gets_clips_that_are_rendered(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(shipped, "FOLDER", trained)
    few = partial(render_dataset, classes=("left_to_right", "right_to_left", "up", "down"))
    monkeypatch.setattr(run_module, "render_dataset", few)
    run = open_run(trained)
    videos = pickable(run, None, tmp_path)
    assert sorted(video.label or 0 for video in videos) == [0, 1, 2, 3]
    assert all(Path(str(video.path)).is_relative_to(tmp_path) for video in videos)
    assert len(pickable(run, run.recipe.data.root, tmp_path)) == 12


def test_a_port_that_is_taken_is_named():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(UsageError, match=f"--port {port} cannot be used"):
            listening_socket(port)


def answered(demo: Demo, receive: Any, path: str = "/api/clips") -> int:
    """The status of a request to the application itself, whose body comes from `receive`."""
    status: list[int] = []

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    host = [(b"host", b"127.0.0.1:80")]
    scope = {
        **{"type": "http", "method": "POST", "path": path, "raw_path": path.encode()},
        **{"headers": host, "query_string": b"", "server": ("127.0.0.1", 80), "scheme": "http"},
    }
    asyncio.run(make_app(demo)(scope, receive, send))
    return status[0]


async def never() -> Any:
    await asyncio.sleep(600)


@pytest.fixture
def strict(trained: Path, tmp_path: Path) -> Demo:
    """A demo that waits for a tenth of a second, and takes 1 kB and one video at a time."""
    limits = Limits(bytes=1000, seconds=0.1, waiting=1)
    return Demo(gta.load(trained, device="cpu"), [], tmp_path, limits)


def test_a_body_that_does_not_come_ends_and_leaves_nothing(strict: Demo):
    assert answered(strict, never) == 408
    assert strict.at_work == 0
    assert list(strict.uploads.folder.iterdir()) == []


def test_a_body_of_unknown_length_is_cut_at_the_limit(strict: Demo):
    taken: list[int] = []

    async def endless() -> Any:
        taken.append(600)
        return {"type": "http.request", "body": b"x" * 600, "more_body": True}

    assert answered(strict, endless) == 413
    assert len(taken) == 2
    assert list(strict.uploads.folder.iterdir()) == []


def test_more_than_so_many_at_a_time_are_sent_away(strict: Demo):
    async def whole() -> Any:
        return {"type": "http.request", "body": b"x", "more_body": False}

    strict.at_work = 1
    assert answered(strict, never) == 408  # a body that does not come takes no place
    assert answered(strict, whole) == 503
    assert strict.at_work == 1
    assert list(strict.uploads.folder.iterdir()) == []
