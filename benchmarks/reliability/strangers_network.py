"""Servers that are silent: what needs them says so within ten seconds, and nothing else does."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator

from benchmarks.reliability.line import Line

FETCH = {
    "the Hub": "import gta; gta.load('hub:someone/something')",
    "ImageNet's weights": "from gta.backbones.fetch import fetch_imagenet; fetch_imagenet(18)",
    "a prepared data set": (
        "from gta.data.videos import load_videos; load_videos('ssv2', 'http://example.org/x','val')"
    ),
}


def seconds(code: str, environment: dict[str, str]) -> float:
    """How long a message takes, without the time of imports."""
    timed = (
        "import time, torch, torchvision.models, gta, gta.predict, gta.data.videos\n"
        "try: import huggingface_hub\n"
        "except ImportError: pass\n"
        "from gta.errors import UsageError\n"
        "began = time.perf_counter()\n"
        f"try:\n    {code}\nexcept UsageError: pass\n"
        "print(time.perf_counter() - began)"
    )
    done = subprocess.run(
        [sys.executable, "-c", timed],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return float(done.stdout) if done.returncode == 0 else float("inf")


def lines() -> Iterator[Line]:
    """Line 28."""
    with socket.socket() as silent, tempfile.TemporaryDirectory(prefix="gta-cache-") as cache:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        proxy = f"http://127.0.0.1:{silent.getsockname()[1]}"
        clean = {"HF_HOME": cache, "TORCH_HOME": cache, "XDG_CACHE_HOME": cache}
        clean |= dict.fromkeys(("no_proxy", "NO_PROXY"), "")
        ways = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY")
        for limit, fault, at in (
            (10, "a proxy that never answers", proxy),
            (3, "nobody there", "http://127.0.0.1:9"),
        ):
            for what, code in FETCH.items():
                took = seconds(code, clean | dict.fromkeys(ways, at))
                yield Line(
                    *(28, f"{what}: {fault}", f"{took:.1f} s", f"{limit} s", took < limit),
                    timed=True,
                )
