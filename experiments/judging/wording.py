"""Words in place of raw values, in what a criterion says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from experiments.judging.claim import Judgement


def in_words(judged: Judgement, words: Mapping[str, str]) -> Judgement:
    """`judged` with these pieces of its sentence and notes put into words, longer pieces first."""

    def said(text: str) -> str:
        for raw in sorted(words, key=len, reverse=True):
            text = text.replace(raw, words[raw])
        return text

    return replace(judged, sentence=said(judged.sentence), notes=tuple(map(said, judged.notes)))
