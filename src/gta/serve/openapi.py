"""The description of the server's endpoints, OpenAPI 3.1; its page is made from it."""

from typing import Any

from gta import __version__
from gta.serve.service import Options
from gta.web.uploads import Limits

ERRORS = {
    400: "The form cannot be read.",
    403: "The Host or the Origin is not this server's.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    422: "The body cannot be read as a video; `error` says why.",
    429: "Too many requests are under way: try again after `Retry-After` seconds.",
    500: "The scores are not finite, or the network failed.",
    503: "The server is starting or stopping, or has too many connections.",
    504: "No answer in time.",
    507: "The server has no room for the body, such as on its disk.",
}


def description(options: Options, limits: Limits) -> dict[str, Any]:
    """The document, with the limits of this server."""
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    form = {
        "type": "object",
        "properties": {
            "file": {"type": "array", "items": file, "description": "One file, or the pictures."}
        },
        "required": ["file"],
    }
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "gta serve",
            "version": __version__,
            "description": (
                f"The classes of a video, predicted by a trained model. A body has at most "
                f"{limits.bytes / 2**20:g} MB and arrives within {limits.seconds:g} seconds; "
                f"{options.queue} requests are under way at a time."
            ),
        },
        "paths": {
            "/predict": {
                "post": {
                    "operationId": "predict",
                    "summary": "The most probable classes of a video.",
                    "description": (
                        "The body is a video file; or a clip of frames, uint8 (T, H, W, 3) or "
                        "(T, 3, H, W), RGB, as .npy or as the only array of an .npz; or a form "
                        "with one of these, or with several JPEG or PNG pictures, the frames "
                        "of one clip in the order in which they are sent. The first bytes decide "
                        "what it is. The answer is that of `gta predict --json`."
                    ),
                    "parameters": [
                        _parameter(
                            *(
                                "top",
                                "integer",
                                f"Classes of the answer; default {options.top}.",
                            )
                        ),
                        _parameter(
                            *(
                                "fps",
                                "number",
                                "Frames per second of inputs without times, such as arrays.",
                            )
                        ),
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/octet-stream": {"schema": file},
                            "multipart/form-data": {"schema": form},
                        },
                    },
                    "responses": {
                        "200": _json("The classes.", "Answer"),
                        **{str(status): _json(why, "Error") for status, why in ERRORS.items()},
                    },
                }
            },
            "/healthz": _get("Whether the process works.", {200: "It does.", 503: "It is stuck."}),
            "/readyz": _get(
                "Whether requests are answered, and what is served.",
                {200: "They are.", 503: "It is starting or stopping."},
            ),
            "/metrics": _get(
                "Requests, times, queue and batches in the Prometheus text format.",
                {200: "Text."},
                "text/plain",
            ),
        },
        "components": {"schemas": {"Answer": _ANSWER, "Error": _ERROR}},
    }


_TEXT, _NUMBER = {"type": "string"}, {"type": "number"}
_ERROR = {"type": "object", "properties": {"error": _TEXT}, "required": ["error"]}
_CLASS = {
    "type": "object",
    "properties": {"class": _TEXT, "score": {"type": "number", "minimum": 0, "maximum": 1}},
    "required": ["class", "score"],
}
_VIDEO = {
    "type": "object",
    "properties": {
        "video": {"type": "string", "description": "Its name in the form, or `upload`."},
        "top": {"type": "array", "items": _CLASS},
        "cut_off": {
            "type": "string",
            "description": "How much of a file without its end was read.",
        },
        "damage": {"type": "integer", "description": "Frames that were missing or damaged."},
    },
    "required": ["video", "top"],
}
_SPEED = ("videos_per_second", "decode_ms", "transform_ms", "network_ms")
_ANSWER = {
    "type": "object",
    "properties": {
        "run": _TEXT,
        "weights": _TEXT,
        "protocol": _TEXT,
        "videos": {"type": "array", "items": _VIDEO, "minItems": 1, "maxItems": 1},
        "passed_over": {"type": "array", "maxItems": 0},
        "speed": {
            "type": "object",
            "properties": dict.fromkeys(_SPEED, _NUMBER),
            "required": list(_SPEED),
        },
    },
    "required": ["run", "weights", "protocol", "videos", "passed_over", "speed"],
}


def _parameter(name: str, kind: str, what: str) -> dict[str, Any]:
    least = {"minimum": 1} if kind == "integer" else {"exclusiveMinimum": 0}
    schema = {"type": kind, **least}
    return {"name": name, "in": "query", "required": False, "description": what, "schema": schema}


def _json(what: str, schema: str) -> dict[str, Any]:
    reference = {"schema": {"$ref": f"#/components/schemas/{schema}"}}
    return {"description": what, "content": {"application/json": reference}}


def _get(summary: str, answers: dict[int, str], kind: str = "application/json") -> dict[str, Any]:
    schema = {"schema": {"type": "object" if kind == "application/json" else "string"}}
    responses = {
        str(status): {"description": what, "content": {kind: schema}}
        for status, what in answers.items()
    }
    return {"get": {"summary": summary, "responses": responses}}
