"""`gta serve` under load: latency and rate of 32 clients, with batches and without.

    python -m benchmarks.serving                                     # this machine's, CPU or GPU
    python -m benchmarks.serving --models r2d50_gta --device cuda --requests 64
    python -m benchmarks.serving --out benchmarks/results/serving.json

A server runs in a process of its own, with weights as they are drawn: as it is by default, with
`--batch 1 --delay-ms 0`, and on a GPU so without CUDA graphs too, as Python launches the network.
Each client sends clip after clip on a connection that it keeps: arrays of frames that already have
the size to which the protocol resizes, so that nothing is decoded, and reading one is a crop. A
rate counts whole requests: HTTP, the upload to a file, the processes that read, the network. Beside
it stands the network alone, `Predictor.scores_of` on batches that are in memory, which no server
can pass.
"""

import argparse
import http.client
import io
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.demo_click import make_run
from benchmarks.output import about, write

MODELS = {
    "tiny_gta": ("ordered", "tiny_gta"),
    "lite0_gta": ("folder", "lite0_gta"),
    "r2d50_gta": ("ssv2", "r2d50_gta"),
}
USUAL = {"cpu": ["tiny_gta"], "cuda": ["lite0_gta", "r2d50_gta"]}
_SINGLY = ["--batch", "1", "--delay-ms", "0"]
EAGER = "unbatched, no CUDA graphs"
CLIENTS = 32
TARGET = 3.0
"""Times the unbatched rate, on a GPU."""
_TRIES = 3
"""Servers of each way, in turn: other work on the machine comes and goes."""
_WARM_UP, _ROUNDS = 5, 5
"""Of the network alone."""


def clips_of(run: Path, count: int) -> list[bytes]:
    """Bodies: noise, as arrays of a clip's frames that need not be resized."""
    from gta.protocols import parse_protocol
    from gta.runs import open_run

    recipe = open_run(run).recipe
    resize = parse_protocol(recipe.test.protocol).resize
    height, width = (resize, resize) if isinstance(resize, int) else resize
    bodies, rng = [], np.random.default_rng(0)
    for _ in range(count):
        file = io.BytesIO()
        np.save(file, rng.integers(0, 256, (recipe.clip.num_frames, height, width, 3), np.uint8))
        bodies.append(file.getvalue())
    return bodies


class Client:
    """Sends clips on a connection that it keeps, one after the answer to the other."""

    def __init__(self, port: int, bodies: Sequence[bytes]):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self.bodies, self.seconds, self.failed = bodies, list[float](), 0

    def send(self, count: int) -> None:
        self.connection.close()  # it may have waited for longer than the server keeps it
        for place in range(count):
            began = time.perf_counter()
            self.connection.request("POST", "/predict", self.bodies[place % len(self.bodies)])
            answer = self.connection.getresponse()
            answer.read()
            self.seconds.append(time.perf_counter() - began)
            self.failed += answer.status != 200


def loaded(port: int, bodies: Sequence[bytes], clients: int, requests: int) -> dict[str, Any]:
    """What so many clients see, each with so many requests, after one that does not count."""
    every = [Client(port, bodies[i:] + bodies[:i]) for i in range(clients)]  # type: ignore[operator]
    for count in (1, requests):
        before = metrics(port)
        threads = [threading.Thread(target=client.send, args=(count,)) for client in every]
        for client in every:
            client.seconds.clear()
        began = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - began
        assert all(len(client.seconds) == count for client in every), "a client was not answered"
    after, seconds = metrics(port), sorted(s for client in every for s in client.seconds)
    p50, p95, p99 = (np.percentile(seconds, share) for share in (50, 95, 99))
    new = {name: value - before.get(name, 0.0) for name, value in after.items()}
    return {
        "rate": len(seconds) / took,
        "requests": len(seconds),
        "failed": sum(client.failed for client in every),
        **{"p50_ms": 1000 * p50, "p95_ms": 1000 * p95, "p99_ms": 1000 * p99},
        "batch": new["gta_batch_size_sum"] / new["gta_batch_size_count"],
        "network_ms": 1000 * new["gta_network_seconds_sum"] / new["gta_batch_size_sum"],
        "decode_ms": 1000 * new["gta_decode_seconds_sum"] / new["gta_decode_seconds_count"],
    }


def metrics(port: int) -> dict[str, float]:
    """The lines of /metrics without labels."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/metrics")
    text = connection.getresponse().read().decode()
    return {name: float(value) for name, value in re.findall(r"^(gta_\w+) (\S+)$", text, re.M)}


def served(run: Path, options: Sequence[str], arguments: argparse.Namespace) -> dict[str, Any]:
    """A server with these options under load."""
    command = ["serve", str(run), "--port", "0", "--device", arguments.device, *options]
    command += ["--timeout", "600", "--queue", str(2 * arguments.clients)]
    env = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gta", *command], env=env, stdout=subprocess.PIPE, text=True
    )
    with ExitStack() as stack:
        stack.callback(process.wait)
        stack.callback(process.terminate)
        assert process.stdout is not None
        found = re.match(r"http://127\.0\.0\.1:(\d+)/", process.stdout.readline())
        assert found, "the server has ended"
        bodies = clips_of(run, 4)
        return loaded(int(found[1]), bodies, arguments.clients, arguments.requests)


def alone(run: Path, device: str, largest: int) -> dict[str, float]:
    """Clips a second of the network on batches in memory, of one clip and of so many."""
    import torch

    from gta.predict import load

    predictor, rates = load(run, device=device), {}
    clip, size = predictor.run.recipe.clip.num_frames, predictor.protocol.size
    view = torch.zeros(predictor.protocol.num_views, clip, size, size, 3, dtype=torch.uint8)
    for count in (1, largest):
        times = []
        for _ in range(_WARM_UP + _ROUNDS):
            began = time.perf_counter()
            predictor.scores_of([view.permute(0, 4, 1, 2, 3)] * count)
            times.append(time.perf_counter() - began)
        rates[str(count)] = count / statistics.median(times[_WARM_UP:])
    return rates


def measured(runs: dict[str, Path], arguments: argparse.Namespace) -> dict[str, Any]:
    """All ways, in turn, the run with the median rate of each; and the network alone."""
    tries: dict[str, list[dict[str, Any]]] = {way: [] for way in runs}
    for _ in range(arguments.tries):
        for way, run in runs.items():
            options = [] if way == "batched" else _SINGLY
            tries[way].append(served(run, options, arguments))
    ways = {
        way: sorted(each, key=itemgetter("rate"))[arguments.tries // 2]
        for way, each in tries.items()
    }
    for way, each in tries.items():
        ways[way]["rates"] = [one["rate"] for one in each]
    largest = 8 if arguments.device == "cpu" else 32
    gains = {way: ways["batched"]["rate"] / ways[way]["rate"] for way in ways if way != "batched"}
    return {**ways, "gains": gains, "network": alone(runs["batched"], arguments.device, largest)}


def table(found: dict[str, Any]) -> str:
    """Of each network, both ways: rate, latencies, batches; and what the network alone does."""
    lines: list[str] = [
        f"| network | {found['clients']} clients | clips/s | batches gain | p50, ms | p95, ms | "
        "p99, ms | clips a batch | network alone, clips/s |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, model in found["models"].items():
        rates: list[float] = list(model.get("network", {}).values())
        for way in ("batched", *model["gains"]):
            one, singly = model[way], way != "batched"
            gain = f"{model['gains'][way]:.2f} x" if singly else ""
            network = f"{rates[not singly]:.1f}" if rates and way != EAGER else ""
            lines.append(
                f"| `{name}` | {way} | {one['rate']:.1f} | {gain} | {one['p50_ms']:.0f} | "
                f"{one['p95_ms']:.0f} | {one['p99_ms']:.0f} | {one['batch']:.1f} | {network} |"
            )
    return "\n".join(lines)


def main() -> None:
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as `gta` has it, before torch is loaded
    import torch

    from gta.cores import available_cores

    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--out", type=Path)
    parser.add_argument("--models", nargs="+", choices=MODELS)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--clients", type=int, default=CLIENTS)
    parser.add_argument("--requests", type=int, help="of each client; 16 on a CPU, 64 on a GPU")
    parser.add_argument("--tries", type=int, default=_TRIES)
    arguments = parser.parse_args()
    kind = "cpu" if arguments.device == "cpu" else "cuda"
    arguments.requests = arguments.requests or (16 if kind == "cpu" else 64)
    found: dict[str, Any] = {
        **about("torch", "starlette", "uvicorn"),
        "device": torch.cuda.get_device_name() if kind == "cuda" else "CPU",
        "cores": available_cores(),
        "clients": arguments.clients,
        "models": {},
    }
    with tempfile.TemporaryDirectory() as place:
        for name in arguments.models or USUAL[kind]:
            run = make_run(Path(place) / name, *MODELS[name])
            runs = {"batched": run, "unbatched": run}
            if kind == "cuda":
                runs[EAGER] = make_run(
                    Path(place) / f"{name}-eager", *MODELS[name], "train.cuda_graphs=false"
                )
            found["models"][name] = model = measured(runs, arguments)
            print(json.dumps({name: model}), file=sys.stderr)
    print(table(found))
    if kind == "cuda":
        for model in found["models"].values():
            for way, gain in model["gains"].items():
                print(f"at least {TARGET:g} times the rate {way}: {gain >= TARGET}")
    write(found, arguments.out)


if __name__ == "__main__":
    main()
