"""What the claims on TInt share: answers to clean questions, which of them can be read, and how noises are matched.

Scores are the share of right answers, decoded from the prompt, on clean questions that are in no training example; a
run that diverged scores 0. Two things bar a setting from being read, beside what each claim asks:

- It is *fitted* where its clean counterpart, trained as long, has a mean over seeds of at least 0.9.
- It is *settled* unless its mean rose by more than 0.1 over the last quarter of training and ends below 0.9: one that
  is still learning says nothing of what its noise does. What has not begun to rise at all this cannot see.

Noises are compared at a matched label share: the share of fresh examples of the same noise whose given answer is true.
Beside it stands the share of tokens kept: of each response, or of the clean one if that is longer, the tokens that are
in both, in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from experiments.judging.claim import Judgement, Row, Verdict
from experiments.judging.criteria import FITTED, Cells, Setting, cells, diverged, obstacle, reaches, spelt
from experiments.judging.frame import MODEL
from experiments.judging.statistics import Interval, mean_score

TITLE = "Understanding the effect of noise in LLM training data with algorithmic chains of thought"
ARXIV = "2402.04004"
NOISE = "tint/noise"
CLEAN, STATIC, DYNAMIC, HIDDEN = "clean", "characters", "dynamic", "hidden"
TEST, NOISED = "test", "noised"
RISE = 0.1
NEAR = 0.1  # label shares this near to one another count as matched
SOME = 0.05
TIMES = 2  # unless one of them is more than so many times the other
_BEFORE_LAST_QUARTER = 0.75


@dataclass(frozen=True)
class Measured:
    """What a results table of TInt says of each setting of its swept `keys`, one of which is the noise."""

    table: pl.DataFrame
    keys: Sequence[str]
    answer: Cells
    label: Mapping[Setting, Interval]
    kept: Mapping[Setting, Interval]
    rise: Mapping[Setting, float]  # of the mean answer, over the last quarter of training

    def noise(self, setting: Setting) -> str:
        """The setting's noise, as characters_25."""
        return setting[list(self.keys).index(NOISE)]

    def with_noise(self, setting: Setting, noise: str) -> Setting:
        """The setting with another noise."""
        return tuple(noise if key == NOISE else value for key, value in zip(self.keys, setting, strict=True))

    def settled(self, setting: Setting) -> bool:
        """Whether the setting is no longer learning."""
        return self.rise[setting] <= RISE or self.answer.mean(setting).estimate >= FITTED

    def words(self, setting: Setting) -> str:
        """The setting in words, as "25 % characters"; beside the noise only what there are several of."""
        values = zip(*self.answer.scores, strict=True)
        named = zip(self.keys, setting, values, strict=True)
        return ", ".join(worded(v) if k == NOISE else spelt(v) for k, v, of in named if k == NOISE or len({*of}) > 1)


def measured(table: pl.DataFrame, keys: Sequence[str]) -> Measured:
    """What `table` measured; RecordError where it does not sweep `keys` or lacks decoded answers."""
    answer = cells(table, TEST, keys, score="answer")
    label, kept = (_of_examples(table, keys, score, answer) for score in ("label", "kept"))
    return Measured(table, keys, answer, label, kept, _rises(table, keys, answer))


def _of_examples(table: pl.DataFrame, keys: Sequence[str], score: str, answer: Cells) -> dict[Setting, Interval]:
    """The mean of what is true of the noised examples themselves, so also where a run diverged before its end."""
    rows = table.filter(pl.col(score).is_not_null(), condition=NOISED, learner=MODEL).sort("step")
    by_setting: dict[Setting, list[float]] = {}
    for *setting, _, value in rows.group_by(*keys, "run").agg(pl.col(score).last()).sort(*keys, "run").iter_rows():
        by_setting.setdefault(tuple(setting), []).append(value)
    found = {setting: mean_score(values, answer.examples) for setting, values in by_setting.items()}
    return {setting: found.get(setting, Interval(0.0, 0.0, 1.0)) for setting in answer.scores}


def _rises(table: pl.DataFrame, keys: Sequence[str], answer: Cells) -> dict[Setting, float]:
    """Final mean answer minus that at the last evaluation before the last quarter; minus 0 where there was none."""
    rows = table.filter(pl.col("position").is_null(), condition=TEST, learner=MODEL)
    early = rows.filter(pl.col("step") <= _BEFORE_LAST_QUARTER * pl.col("step").max().over("run")).sort("step")
    before = early.group_by("run", *keys).agg(pl.col("answer").last()).group_by(keys).agg(pl.col("answer").mean())
    found = {tuple(setting): score for *setting, score in before.select(*keys, "answer").iter_rows()}
    return {setting: answer.mean(setting).estimate - (found.get(setting) or 0.0) for setting in answer.scores}


def kind(noise: str) -> str:
    """The kind of a noise: characters of characters_25."""
    return re.sub(r"_\d+$", "", noise)


def level(noise: str) -> int:
    """The per cent of a noise, 0 where it has none."""
    found = re.search(r"\d+$", noise)
    return int(found[0]) if found else 0


def worded(noise: str) -> str:
    """A noise in words: "25 % characters", "no trace"."""
    return f"{level(noise)} % {kind(noise)}" if level(noise) else noise.replace("_", " ")


@dataclass(frozen=True)
class Sound:
    """The settings that can be read, and words for those that cannot: not fitted, not settled."""

    settings: Sequence[Setting]
    weak: str
    unsettled: str

    def notes(self) -> list[str]:
        """What was left out, and why."""
        weak = f"Left out, as clean training as long has answers right below {FITTED}: {self.weak}."
        still = f"Left out, as still rising by more than {RISE} over the last quarter: {self.unsettled}."
        return [note for note, some in ((weak, self.weak), (still, self.unsettled)) if some]


def sound(found: Measured, clean: Callable[[Setting], Setting] | None = None) -> Sound:
    """The settings that can be read; `clean` names each one's clean counterpart, by default of the noise `clean`.

    A setting whose counterpart was not run cannot.
    """
    clean = clean or (lambda setting: found.with_noise(setting, CLEAN))
    counterparts = [s for s in dict.fromkeys(map(clean, found.answer.scores)) if s in found.answer.scores]
    fit = {s: found.answer.mean(s).estimate for s in counterparts}
    weak = [f"{of:.3f} at {found.words(s)}" for s, of in fit.items() if of < FITTED]
    left = [s for s in found.answer.scores if fit.get(clean(s), 0.0) >= FITTED]
    rising = [s for s in left if not found.settled(s)]
    names = [f"{found.words(s)} (by {found.rise[s]:.3f} to {found.answer.mean(s).estimate:.3f})" for s in rising]
    return Sound([s for s in left if s not in rising], "; ".join(weak), "; ".join(names))


def rows(found: Measured, says: Callable[[Setting], str] = lambda setting: "") -> tuple[Row, ...]:
    """The printed table's rows: answers and label share, and in words the share of tokens kept and what is unsettled.

    `says` is what the paper says of a setting.
    """
    return tuple(
        Row(
            f"{found.words(s)}, {found.kept[s].estimate:.2f} kept{'' if found.settled(s) else ', unsettled'}",
            says(s),
            {"answer": found.answer.mean(s), "label": found.label[s]},
            len(found.answer.scores[s]),
        )
        for s in ordered(found)
    )


def ordered(found: Measured) -> list[Setting]:
    """The settings, those of one noise together, by level."""
    kinds = dict.fromkeys([CLEAN, "no_trace", STATIC, DYNAMIC, *sorted({kind(found.noise(s)) for s in found.label})])
    ranks = {name: rank for rank, name in enumerate(kinds)}
    where = list(found.keys).index(NOISE)
    return sorted(
        found.label,
        key=lambda s: (*map(str, s[:where]), ranks[kind(s[where])], level(s[where]), *map(str, s[where + 1 :])),
    )


def matched(
    found: Measured, settings: Sequence[Setting], *, dynamic: str = DYNAMIC, kept: bool = False
) -> list[tuple[Setting, Setting]]:
    """(static, dynamic) pairs: of each dynamic setting the static one, equal in all else, of the nearest label share.

    Those that are not within `NEAR` of one another, or one of which is more than `TIMES` the other, are no pair.
    `dynamic` is the kind of dynamic noise; `kept` matches by the share of tokens kept in place of labels.
    """
    pairs, share = [], found.kept if kept else found.label
    for one in settings:
        if kind(found.noise(one)) != dynamic:
            continue
        others = [
            s
            for s in settings
            if kind(found.noise(s)) == STATIC and found.with_noise(s, DYNAMIC) == found.with_noise(one, DYNAMIC)
        ]
        gap = {s: abs(share[s].estimate - share[one].estimate) for s in others}
        nearest = min(gap, key=gap.__getitem__, default=None)
        if nearest is not None and gap[nearest] <= NEAR:
            low, high = sorted((share[nearest].estimate, share[one].estimate))
            pairs += [(nearest, one)] if high <= TIMES * low else []
    return pairs


def sides(found: Measured, pairs: Sequence[tuple[Setting, Setting]]) -> tuple[Cells, Cells]:
    """The answers of the first and of the second settings of some pairs, by the second."""
    first = Cells({b: found.answer.scores[a] for a, b in pairs}, found.answer.examples)
    return first, found.answer.where([b for _, b in pairs])


def recovery(found: Measured, keys: Sequence[str]) -> str:
    """A note on decoded traces: how often those that differ from the right one still end right, and answers follow.

    Of settings in which SOME or more of the traces differ.
    """
    rows = found.table.filter(pl.col("final"), pl.col("position").is_null(), condition=TEST, learner=MODEL)
    if not {"astray", "recovered", "follows"} <= set(rows.columns):
        return ""
    says = []
    for setting in ordered(found):
        own = [pl.col(key) == value for key, value in zip(keys, setting, strict=True)]
        astray, recovered, follows = (rows.filter(*own)[name].mean() for name in ("astray", "recovered", "follows"))
        if isinstance(astray, float) and isinstance(recovered, float) and astray >= SOME:
            still = f"{recovered / astray:.2f} of the {astray:.2f} that differ"
            says.append(f"{found.words(setting)} {still}" + (f", {follows:.2f} follow" if follows is not None else ""))
    if not says:
        return ""
    what = "Decoded traces that differ from the right one and still end right, and answers that follow"
    return f"{what}: {'; '.join(says)}."


def shared(more: Cells, less: Cells) -> int:
    """How many seeds are on both sides of a difference."""
    return len(more.by_seed().keys() & less.by_seed().keys())


def conclude(
    found: Measured,
    left: Sound,
    effect: Interval | None,
    seeds: int,
    *,
    what: str,
    rows: tuple[Row, ...],
    missing: str,
    least: float | None = None,
    most: float | None = None,
    notes: Sequence[str] = (),
    apart: str = "",
) -> Judgement:
    """The verdict on an effect that must be at least `least`, or at most `most`; `what` says it in words.

    Not fitted: there is no effect, and a setting is not fitted. Inconclusive where there is none for another reason,
    which `missing` says, and where `obstacle` finds that nothing can be told (`apart` as there).
    """
    decoded = recovery(found, found.keys)
    also = (
        *left.notes(),
        *notes,
        *([decoded] if decoded else []),
        *diverged(found.table, "{}" + ", {}" * (len(found.keys) - 1)),
    )
    if effect is None:
        if left.weak:
            why = f"Right answers after clean training are below {FITTED}: {left.weak}."
            return Judgement("not fitted", None, 0, why, rows, also[1:])
        if not left.settings and not left.unsettled:
            missing = "There must be clean runs beside the noised ones."
        return Judgement("inconclusive", None, 0, missing, rows, also)
    if bar := obstacle(found.table, found.answer, "{}" + ", {}" * (len(found.keys) - 1), apart):
        return Judgement("inconclusive", effect, seeds, bar, rows, also)
    verdict = reaches(effect, least) if least is not None else stays(effect, 1.0 if most is None else most)
    wanted = f"at least {least}" if least is not None else f"at most {most}"
    return Judgement(verdict, effect, seeds, f"{what} is {effect}; {wanted} is wanted.", rows, also)


def stays(effect: Interval, most: float) -> Verdict:
    """Whether an effect is at most `most`: reproduced, not reproduced, or the interval holds both answers."""
    if effect.upper <= most:
        return "reproduced"
    return "not reproduced" if effect.lower > most else "inconclusive"
