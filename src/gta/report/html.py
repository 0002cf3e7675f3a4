"""The page: its data as JSON, and the script and the styles that show it.

Nothing is fetched and only these scripts run: the page's own policy allows no more. Names are data:
JSON without any `<`, written into the page by the script as text.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from gta.names import shown

SCRIPTS = ("uplot.min.js", "numbers.js", "charts.js", "confusion.js", "report.js")
"""In this order; the first is uPlot 1.6.32, MIT, Leon Sorokin: page/uplot-LICENSE.txt."""
STYLES = ("uplot.min.css", "report.css")
UPLOT_SHA256 = "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f"
"""Of uplot.min.js, which is dist/uPlot.iife.min.js of the npm package uplot 1.6.32."""


def page(title: str, data: dict[str, Any]) -> str:
    """The whole page."""
    scripts, styles = [_part(name) for name in SCRIPTS], [_part(name) for name in STYLES]
    policy = (
        f"default-src 'none'; img-src data:; script-src {_sources(scripts)}; "
        f"style-src {_sources(styles)}; base-uri 'none'; form-action 'none'"
    )
    license = _part("uplot-LICENSE.txt").strip().replace("--", "- -")
    parts = [
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>{_text(title)}</title>",
        f"<!-- uPlot 1.6.32, SHA-256 {UPLOT_SHA256}\n{license}\n-->",
        *(f"<style>{style}</style>" for style in styles),
        "</head>\n<body>",
        "<noscript><p>This report is drawn by a script in this file. Allow scripts.</p></noscript>",
        _part("report.html"),
        f'<script type="application/json" id="data">{as_json(data)}</script>',
        *(f"<script>{script}</script>" for script in scripts),
        "</body>\n</html>\n",
    ]
    return "\n".join(parts)


def as_json(data: object) -> str:
    r"""JSON that may stand in a script element: `<` is `\u003c`, so that no tag can end it."""
    text = json.dumps(_visible(data), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c")


def _visible(value: object) -> object:
    """Texts with invisible letters and changes of direction written out."""
    if isinstance(value, str):
        return shown(value, keep="\n\t")
    if isinstance(value, Mapping):
        return {str(key): _visible(inner) for key, inner in value.items()}
    return [_visible(inner) for inner in value] if isinstance(value, list | tuple) else value


def _part(name: str) -> str:
    return (files("gta.report") / "page" / name).read_text(encoding="utf-8")


def _sources(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
