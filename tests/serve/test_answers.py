"""What `gta serve` answers is what a `Predictor` says, whichever way the frames come."""

import io
import json
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from openapi_spec_validator import validate
from PIL import Image

from gta.data.decode import read_frames
from gta.predict import load

from .conftest import Running


def test_a_video_is_answered_as_gta_predict_prints_it(
    running: Running, trained: Path, videos: list[Path]
):
    answer = running.predict(videos[0].read_bytes(), "/predict?top=3")
    assert answer.status == 200, answer.told
    assert list(answer.told) == ["run", "weights", "protocol", "videos", "passed_over", "speed"]
    assert (answer.told["run"], answer.told["protocol"]) == ("trained", "1x1-center32")
    expected = load(trained, device="cpu")(videos[0])
    assert answer.told["videos"] == [{"video": "upload", "top": expected.to_dict(3)["top"]}]
    assert all(value > 0 for value in answer.told["speed"].values())
    assert answer.headers["cache-control"] == "no-store"
    assert running.stored() == []


def test_the_same_frames_have_the_same_scores_whichever_way_they_come(
    running: Running, videos: list[Path]
):
    frames = read_frames(videos[1]).permute(0, 2, 3, 1).contiguous().numpy()
    pictures = []
    for frame in frames:
        file = io.BytesIO()
        Image.fromarray(frame).save(file, "PNG")
        pictures.append(("same name.jpg", file.getvalue()))
    array, packed, first = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(array, frames)
    np.savez_compressed(packed, clip=frames)
    np.save(first, np.asfortranarray(frames.transpose(0, 3, 1, 2)))
    answers = [
        running.predict(videos[1].read_bytes()),
        running.form([("a/b.webm", videos[1].read_bytes())]),
        running.form(pictures),
        running.predict(array.getvalue()),
        running.form([("clip.npz", packed.getvalue())]),
        running.predict(first.getvalue()),
    ]
    assert [answer.status for answer in answers] == [200] * 6, [each.told for each in answers]
    tops = [answer.told["videos"][0]["top"] for answer in answers]
    assert all(top == tops[0] for top in tops)
    assert answers[1].told["videos"][0]["video"] == "a/b.webm"


def test_many_clients_at_once_get_their_own_answers(
    running: Running, trained: Path, videos: list[Path]
):
    model, chosen = load(trained, device="cpu"), videos[:12]
    bodies = [path.read_bytes() for path in chosen]
    bodies[5] = b"no video" * 50  # spoils no other
    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(running.predict, bodies))
    assert [answer.status for answer in answers] == [200] * 5 + [422] + [200] * 6
    for path, answer in zip(chosen, answers, strict=True):
        if answer.status == 200:
            for entry, (name, score) in zip(
                answer.told["videos"][0]["top"], model(path).scores, strict=False
            ):
                assert entry["score"] == pytest.approx(score, abs=1e-5)
                assert entry["class"] == name
    assert running.stored() == []


def test_health_and_what_is_served(running: Running):
    assert running.ask("/healthz").told == {"status": "ok"}
    ready = running.ask("/readyz").told
    assert (ready["status"], ready["classes"], ready["batch"]) == ("ready", 4, 8)
    assert ready["weights"] == "last.safetensors, epoch 2 of 2"


def test_metrics_count_answers(running: Running, videos: list[Path]):
    good = 'gta_requests_total{method="POST",path="/predict",status="200"}'
    batches = running.metric("gta_batch_size_count")
    before = running.metric(good)
    running.predict(videos[0].read_bytes())
    assert running.metric(good) == before + 1
    assert running.metric("gta_batch_size_count") == batches + 1
    assert running.metric("gta_decode_seconds_count") >= before + 1
    assert running.metric('gta_queue_depth{stage="ready"}') == 0
    running.ask("/a/path/of/a/stranger", method="BREW")
    strange = 'gta_requests_total{method="other",path="other",status="404"}'
    assert running.metric(strange) >= 1


def test_the_description_is_openapi_and_names_what_answers_have(
    running: Running, videos: list[Path]
):
    described = running.ask("/openapi.json").told
    validate(described)
    assert described["info"]["version"] == version("gta-video") or described["info"]["version"]
    for path, operations in described["paths"].items():
        for method in operations:
            body = videos[0].read_bytes() if method == "post" else None
            answer = running.ask(path, body)
            assert answer.status == 200
            assert "200" in operations[method]["responses"]
    told = running.predict(videos[0].read_bytes()).told
    schemas = described["components"]["schemas"]
    assert sorted(told) == sorted(schemas["Answer"]["required"])
    assert sorted(told["speed"]) == sorted(schemas["Answer"]["properties"]["speed"]["required"])
    assert set(told["videos"][0]) <= set(
        schemas["Answer"]["properties"]["videos"]["items"]["properties"]
    )


def test_the_page_needs_nothing_from_elsewhere(running: Running):
    answer = running.ask("/docs")
    assert answer.status == 200
    assert "default-src 'none'; style-src 'self'" in answer.headers["content-security-policy"]
    own = f"http://127.0.0.1:{running.port}/"
    assert own in answer.told
    assert "//" not in answer.told.replace(own, "")
    assert "<script" not in answer.told
    for path in json.loads(json.dumps(running.ask("/openapi.json").told))["paths"]:
        assert path in answer.told
    assert running.ask("/docs.css").status == 200
    assert running.ask("/").headers["location"] == "/docs"
