"""The metrics of the server, in the Prometheus text format."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (*(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5), *(1, 2.5, 5, 10, 30, 60))
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Counters and histograms of one server."""

    def __init__(self):
        self.registry = registry = CollectorRegistry()
        self.requests = Counter(
            *("gta_requests", "Requests that were answered.", ("method", "path", "status")),
            registry=registry,
        )
        self.seconds = Histogram(
            *(
                "gta_request_seconds",
                "Seconds from the head of a request to its answer.",
                ("path",),
            ),
            buckets=_SECONDS,
            registry=registry,
        )
        self.batch_size = Histogram(
            "gta_batch_size", "Videos that were scored together.", buckets=_SIZES, registry=registry
        )
        self.network_seconds = Histogram(
            "gta_network_seconds",
            "Seconds of the network per batch.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.decode_seconds = Histogram(
            *("gta_decode_seconds", "Seconds of decoding and resizing per video."),
            buckets=_SECONDS,
            registry=registry,
        )
        self.turned_away = Counter(
            "gta_turned_away",
            "Requests refused because the queue was full (429).",
            registry=registry,
        )
        self.given_up = Counter(
            *("gta_given_up", "Requests whose client disconnected, or that took too long."),
            registry=registry,
        )
        self._depth = Gauge(
            "gta_queue_depth", "Current requests by stage.", ("stage",), registry=registry
        )

    def watch(self, stage: str, depth: Callable[[], int]) -> None:
        """Shows how many requests are at a stage."""
        self._depth.labels(stage).set_function(depth)

    def text(self) -> bytes:
        """All metrics as text."""
        return generate_latest(self.registry)
