"""Formats the words of the write-up as HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape

from paper.article.words import references


def prose(text: str) -> str:
    """Formats plain text as HTML, in which @key cites a reference."""
    numbers = {key: place for place, key in enumerate(references(), 1)}
    cite = "|".join(numbers)
    return re.sub(rf"@({cite})\b", lambda match: f'<a href="#ref-{match[1]}">[{numbers[match[1]]}]</a>', escape(text))


def frame(parts: Sequence[Mapping[str, str]]) -> str:
    """Formats paragraphs that begin with their head."""
    return "\n".join(f"<p><b>{escape(part['head'])}</b> {prose(part['text'])}</p>" for part in parts)


def bibliography() -> str:
    """Formats all references as list items, in order."""
    items = []
    for key, reference in references().items():
        authors = ", ".join(" ".join(reversed(name.split(", "))) for name in reference["author"])
        link = f'<a href="{reference["url"]}">arXiv:{reference["serial-number"]["arxiv"]}</a>'
        items.append(
            f'<li id="ref-{key}">{escape(authors)}. {reference["date"]}. {escape(reference["title"])}. {link}</li>'
        )
    return "\n".join(items)
