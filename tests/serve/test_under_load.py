"""Batches, places and the end, with a network and readers that are held: nothing is timed."""

import http.client
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gta.errors import MachineError, UsageError
from gta.serve.run import run_serve
from gta.serve.service import BROKEN, Options
from gta.web.uploads import Limits

from .conftest import Answer, Held, free_port, in_background, serving


def test_more_than_there_are_places_for_are_sent_away(trained: Path, videos: list[Path]):
    body = videos[0].read_bytes()
    with serving(trained, options=Options(queue=2)) as server:
        server.network.clear()
        first = in_background(lambda: server.predict(body))
        server.wait_for('gta_queue_depth{stage="scoring"}', 1)
        second = in_background(lambda: server.predict(body))
        server.wait_for('gta_queue_depth{stage="ready"}', 1)
        third = server.predict(body)
        assert (third.status, third.headers["retry-after"]) == (429, "1")
        assert third.told == {"error": "2 requests are under way; try again in a moment"}
        assert server.metric("gta_turned_away_total") == 1
        server.network.set()
        assert (first().status, second().status) == (200, 200)
        assert server.predict(body).status == 200


def test_those_who_wait_are_scored_together(trained: Path, videos: list[Path]):
    bodies = [path.read_bytes() for path in videos[:6]]
    with serving(trained, options=Options(batch=3)) as server:
        server.network.clear()
        answers = [in_background(lambda: server.predict(bodies[0]))]
        server.wait_for('gta_queue_depth{stage="scoring"}', 1)
        for place, body in enumerate(bodies[1:], start=1):
            answers.append(in_background(lambda body=body: server.predict(body)))
            server.wait_for('gta_queue_depth{stage="ready"}', place)
        server.network.set()
        told = [answer().told["videos"][0]["top"] for answer in answers]
        assert server.batches == [1, 3, 2]
        for path, top in zip(videos, told, strict=False):
            for entry, (name, score) in zip(top, server.predictor(path).scores, strict=False):
                assert (entry["class"], entry["score"]) == (name, pytest.approx(score, abs=1e-5))


def test_no_more_is_read_than_is_soon_scored(trained: Path, videos: list[Path]):
    body = videos[0].read_bytes()
    with serving(trained, options=Options(batch=1, workers=1)) as server:
        server.network.clear()
        answers = [in_background(lambda: server.predict(body)) for _ in range(7)]
        server.wait_for('gta_queue_depth{stage="ready"}', 3)
        server.wait_for('gta_queue_depth{stage="waiting"}', 3)
        assert server.metric('gta_queue_depth{stage="reading"}') == 0
        server.network.set()
        assert [answer().status for answer in answers] == [200] * 7


def test_one_waits_for_another_that_is_on_its_way(trained: Path, videos: list[Path]):
    body = videos[0].read_bytes()
    with serving(trained, options=Options(delay=30, workers=2)) as server:
        assert server.predict(body).status == 200  # alone: it does not wait
        server.pools[0].held.clear()
        answers = [in_background(lambda: server.predict(body)) for _ in range(2)]
        server.wait_for('gta_queue_depth{stage="reading"}', 2)
        server.pools[0].held.set()
        assert [answer().status for answer in answers] == [200, 200]
        assert server.batches == [1, 2]


def test_a_client_that_goes_away_costs_no_batch(trained: Path, videos: list[Path]):
    body = videos[0].read_bytes()
    with serving(trained, options=Options(workers=1)) as server:
        server.network.clear()
        first = in_background(lambda: server.predict(body))
        server.wait_for('gta_queue_depth{stage="scoring"}', 1)
        ready, unread = (http.client.HTTPConnection("127.0.0.1", server.port) for _ in range(2))
        ready.request("POST", "/predict", body)
        server.wait_for('gta_queue_depth{stage="ready"}', 1)
        server.pools[0].held.clear()
        held = in_background(lambda: server.predict(body))
        server.wait_for('gta_queue_depth{stage="reading"}', 1)
        unread.request("POST", "/predict", body)
        server.wait_for('gta_queue_depth{stage="waiting"}', 1)
        ready.close()
        unread.close()
        server.wait_for("gta_given_up_total", 2)
        server.pools[0].held.set()
        server.network.set()
        assert (first().status, held().status) == (200, 200)
        assert server.batches == [1, 1]
        assert server.metric('gta_requests_total{method="POST",path="/predict",status="499"}') == 2


def one_and_two_behind(server: Held, body: bytes) -> list[Callable[[], Answer]]:
    """The answers to one that is scored alone, and two that became ready meanwhile: a batch."""
    server.network.clear()
    asked = [in_background(lambda: server.predict(body))]
    server.wait_for('gta_queue_depth{stage="scoring"}', 1)
    for place in (1, 2):
        asked.append(in_background(lambda: server.predict(body)))
        server.wait_for('gta_queue_depth{stage="ready"}', place)
    server.network.set()
    return asked


def test_one_whose_scores_are_not_finite_spoils_no_other(trained: Path, videos: list[Path]):
    def breaks(predictor):
        scores, count = predictor.scores_of, [0]

        def broken(views):
            count[0] += 1
            found = scores(views)
            if len(views) == 2 and count[0] > 2:
                found[0] = torch.nan
            return found

        predictor.scores_of = broken

    body = videos[0].read_bytes()
    with serving(trained, options=Options(batch=2), change=breaks) as server:
        first, *others = one_and_two_behind(server, body)
        bad, good = others[0](), others[1]()
        assert (bad.status, bad.told) == (500, {"error": BROKEN})
        assert (first().status, good.status) == (200, 200)


def test_a_batch_that_fails_is_scored_one_by_one(trained: Path, videos: list[Path]):
    def breaks(predictor):
        scores, started = predictor.scores_of, []

        def full(views):
            if started and len(views) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            started.extend([1] if len(views) > 1 else [])
            return scores(views)

        predictor.scores_of = full

    body = videos[0].read_bytes()
    with serving(trained, options=Options(batch=2), change=breaks) as server:
        first, *others = one_and_two_behind(server, body)
        assert [one().status for one in (first, *others)] == [200] * 3
        assert server.batches == [1, 2, 1, 1]


def test_an_answer_that_does_not_come_in_time(trained: Path, videos: list[Path]):
    limits = Limits(seconds=0.5)
    with serving(trained, limits=limits) as server:
        server.network.clear()
        answer = server.predict(videos[0].read_bytes())
        assert answer.status == 504
        assert answer.told["error"].startswith("there was no answer within 0.5 seconds")


def test_a_body_that_does_not_come_takes_no_place(trained: Path, videos: list[Path]):
    body = videos[0].read_bytes()
    with serving(trained, options=Options(queue=1), limits=Limits(seconds=2)) as server:
        slow = http.client.HTTPConnection("127.0.0.1", server.port)
        slow.request("POST", "/predict", body[:100], {"Content-Length": str(len(body))})
        server.wait_for('gta_queue_depth{stage="arriving"}', 1)
        assert server.predict(body).status == 200
        assert slow.getresponse().status == 408
        slow.close()


def test_bodies_that_fill_the_room_for_uploads(trained: Path, videos: list[Path]):
    body = videos[0].read_bytes()
    limits = Limits(bytes=len(body), space=len(body) + 50, seconds=5)
    with serving(trained, limits=limits) as server:
        slow = http.client.HTTPConnection("127.0.0.1", server.port)
        slow.request("POST", "/predict", body[:100], {"Content-Length": str(len(body))})
        server.wait_for('gta_queue_depth{stage="arriving"}', 1)
        answer = server.predict(body)
        while answer.status == 200:  # the slow one's bytes may not have been written yet
            answer = server.predict(body)
        assert (answer.status, answer.headers["retry-after"]) == (429, "1")
        assert answer.told == {"error": "the room for uploads is full; try again"}
        slow.close()
        server.wait_for('gta_queue_depth{stage="arriving"}', 0)
        assert server.predict(body).status == 200


def test_while_it_starts_it_says_so(trained: Path, videos: list[Path]):
    loading = threading.Event()
    with serving(trained, loading=loading) as server:
        while True:
            try:
                answer = server.ask("/readyz")
                break
            except ConnectionRefusedError:
                continue
        assert (answer.status, answer.told) == (503, {"status": "starting"})
        assert server.ask("/healthz").status == 200
        early = server.predict(videos[0].read_bytes())
        assert (early.status, early.told) == (503, {"error": "the server is starting"})
        loading.set()
        while server.ask("/readyz").status != 200:
            pass
        assert server.predict(videos[0].read_bytes()).status == 200


def test_those_who_are_there_at_the_end_are_answered(trained: Path, videos: list[Path]):
    body = videos[0].read_bytes()
    with serving(trained) as server:
        server.network.clear()
        first = in_background(lambda: server.predict(body))
        server.wait_for('gta_queue_depth{stage="scoring"}', 1)
        server.stop.set()
        while (state := server.ask("/readyz")).status == 200:
            pass
        assert state.told == {"status": "stopping"}
        late = server.predict(body)
        assert (late.status, late.told) == (503, {"error": "the server is stopping"})
        server.network.set()
        assert first().status == 200
        server.thread.join(30)
        assert server.ended == []
        with pytest.raises(ConnectionRefusedError):
            server.ask("/healthz")


def test_a_run_that_cannot_be_loaded_ends_it():
    def broken():
        raise UsageError("there is no such run")

    with pytest.raises(UsageError, match="there is no such run"):
        run_serve(broken, print, port=free_port())


def test_readers_that_are_gone_end_it(trained: Path, videos: list[Path]):
    with serving(trained) as server:
        server.pools[0].held.clear()
        waits = in_background(lambda: server.predict(videos[0].read_bytes()))
        server.wait_for('gta_queue_depth{stage="reading"}', 1)
        server.pools[0].answers.put(MachineError("no memory: --decoders 1"))
        server.thread.join(30)
        assert [str(error) for error in server.ended] == ["no memory: --workers 1"]
        assert waits().status == 503


def test_a_batch_that_has_no_room_is_told_at_the_start(trained: Path):
    def small(predictor):
        scores = predictor.scores_of

        def full(views):
            if len(views) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return scores(views)

        predictor.scores_of = full

    with serving(trained, options=Options(batch=4), change=small) as server:
        server.thread.join(30)
        (error,) = server.ended
        assert "a batch of 4 x 1 views cannot be scored here" in str(error)
        assert "give a smaller --batch" in str(error)
