"""The description of the server as a page without scripts, which works without a network."""

from collections.abc import Mapping
from html import escape
from typing import Any


def page_of(described: Mapping[str, Any], address: str) -> str:
    """HTML of an OpenAPI document of `gta.serve.openapi`.

    Args:
        described: The document.
        address: The server's address, for examples.
    """
    about = described["info"]
    return "".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width">',
            f"<title>{escape(about['title'])}</title>",
            '<link rel="stylesheet" href="/docs.css"></head><body><main>',
            f"<h1>{escape(about['title'])} <small>{escape(about['version'])}</small></h1>",
            f"<p>{escape(about['description'])}</p>",
            '<p><a href="/openapi.json">openapi.json</a> is the same for programs.</p>',
            _examples(address),
            *(
                _section(method, path, operation)
                for path, operations in described["paths"].items()
                for method, operation in operations.items()
            ),
            "</main></body></html>\n",
        ]
    )


def _examples(address: str) -> str:
    lines = (
        f"curl --data-binary @clip.mp4 {address}predict",
        f"curl -F file=@clip.mp4 '{address}predict?top=3'",
        f"curl -F file=@1.jpg -F file=@2.jpg -F file=@3.jpg '{address}predict?fps=8'",
    )
    return (
        f"<pre>{escape(chr(10).join(lines))}</pre>"
        '<form method="post" action="/predict" enctype="multipart/form-data">'
        '<label>A video, an array, or the pictures of a clip: <input type="file" name="file" '
        "multiple required></label> <button>Predict</button></form>"
    )


def _section(method: str, path: str, operation: Mapping[str, Any]) -> str:
    asked = [
        (f"?{each['name']}=", each["schema"]["type"], each["description"])
        for each in operation.get("parameters", ())
    ]
    answers = [(status, about["description"]) for status, about in operation["responses"].items()]
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(operation['summary'])}</p><p>{escape(operation.get('description', ''))}</p>"
        f"{_table(asked)}{_table(answers)}</section>"
    )


def _table(rows: list[tuple[str, ...]]) -> str:
    cells = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    return f"<table>{''.join(f'<tr>{row}</tr>' for row in cells)}</table>" if rows else ""
