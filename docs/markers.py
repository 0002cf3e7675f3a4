"""The parts of Markdown pages that scripts write, each between two comments.

<!-- costs: docs/write_models.py -->
| ... |
<!-- /costs -->
"""

import re
from collections.abc import Mapping


def with_parts(page: str, parts: Mapping[str, str], source: str) -> str:
    """The text of a page with each of its parts from `source` replaced.

    Args:
        page: Text with the markers.
        parts: The new text of each part, by the name in its markers.
        source: How what the opening markers name after the colon begins.

    Raises:
        ValueError: The parts are not those that the page has markers for, each once.
    """
    marked = rf"(<!-- ([^:\n]+): {re.escape(source)}[^\n]* -->\n).*?(<!-- /\2 -->)"
    names = [found[2] for found in re.finditer(marked, page, re.DOTALL)]
    if sorted(names) != sorted(parts):
        raise ValueError(
            f"the page has markers for {', '.join(sorted(names)) or 'nothing'}; "
            f"{source} writes {', '.join(sorted(parts)) or 'nothing'}"
        )
    return re.sub(
        marked, lambda found: f"{found[1]}{parts[found[2]]}\n{found[3]}", page, flags=re.DOTALL
    )
