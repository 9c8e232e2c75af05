"""The words of the write-up as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from paper.article.words import references


def prose(text: str) -> str:
    """Plain text in which @key cites a reference."""
    numbers = {key: place for place, key in enumerate(references(), 1)}
    cite = "|".join(numbers)
    return re.sub(rf"@({cite})\b", lambda found: f'<a href="#ref-{found[1]}">[{numbers[found[1]]}]</a>', escape(text))


def frame(parts: Sequence[Mapping[str, str]]) -> str:
    """Paragraphs that begin with their head."""
    return "\n".join(f"<p><b>{escape(part['head'])}</b> {prose(part['text'])}</p>" for part in parts)


def bibliography() -> str:
    """All references, as list items in order."""
    items = []
    for key, of in references().items():
        authors = ", ".join(" ".join(reversed(name.split(", "))) for name in of["author"])
        link = f'<a href="{of["url"]}">arXiv:{of["serial-number"]["arxiv"]}</a>'
        items.append(f'<li id="ref-{key}">{escape(authors)}. {of["date"]}. {escape(of["title"])}. {link}</li>')
    return "\n".join(items)
