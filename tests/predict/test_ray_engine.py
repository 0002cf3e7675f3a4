"""`--engine ray` on a local cluster of several nodes; one of them is killed."""

import json
import os
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from benchmarks.many_videos import clips, fresh_run

from gta.errors import UsageError
from gta.predict import load
from gta.predict.many import begin_work
from gta.predict.ray_engine import predict_on_ray
from gta.progress import Silent


def test_without_the_library(trained: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UsageError, match=r"needs Ray: pip install 'gta-video\[cluster\]', on all"):
        predict_on_ray(load(trained, device="cpu"), None)  # pyright: ignore[reportArgumentType]


@pytest.mark.slow
def test_a_node_that_dies_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    import ray
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
    # ray has this process ignore the ends of its children, which later tests wait for
    before = signal.getsignal(signal.SIGCHLD)
    number, file = 120, clips(tmp_path, 120)
    (tmp_path / "videos/000017.webm").unlink()
    (tmp_path / "videos/000017.webm").write_bytes(b"no video")
    predictor = load(fresh_run(tmp_path / "run"), device="cpu")
    work = begin_work(predictor, file, tmp_path / "work", root=tmp_path / "videos", shard=10)
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        nodes = [cluster.add_node(num_cpus=1) for _ in range(2)]
        ray.init(address=cluster.address, log_to_driver=False)

        class KillsANode(Silent):
            killed = False

            @contextmanager
            def track(self, what: str, total: int):
                del what, total

                def advance(done: int, note: str) -> None:
                    del note
                    if done > 20 and not self.killed:
                        self.killed = True
                        cluster.remove_node(nodes[0], allow_graceful=False)

                yield advance

        report = KillsANode()
        done = predict_on_ray(predictor, work, decoders=2, networks=1, report=report)
        assert report.killed
    finally:
        ray.shutdown()
        cluster.shutdown()
        signal.signal(signal.SIGCHLD, before)
    assert (done.counts.videos, done.counts.unreadable, done.shards) == (number, 1, 12)
    lines = [
        json.loads(line)
        for shard in range(work.num_shards)
        for line in work.path(shard).read_text().splitlines()
    ]
    assert [line["video"] for line in lines] == [f"{i:06d}.webm" for i in range(number)]
    assert lines[17]["error"].startswith("not a video that FFmpeg")
    alone = predictor(tmp_path / "videos/000003.webm").to_dict(5)["top"]
    assert [row["score"] for row in lines[3]["top"]] == pytest.approx(
        [row["score"] for row in alone], abs=1e-6
    )
