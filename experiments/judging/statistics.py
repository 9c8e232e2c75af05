"""Intervals of 95 % (or another level) from a few seeds, for a mean and for a difference of two means.

Two errors separate the mean of a few runs from the mean over all seeds on all examples, which the study asks for. Each
error gets an interval of its own:

1. *Seeds.* Student's t over the seeds. A score in [0, 1] piles up against its bounds with a long tail on the
   other side, where plain t claims too much (88 % instead of 95 % for Beta(1/2, 20) and two seeds), so t is
   taken on the arcsine scale, which stretches the bounds, and the result is centred on the mean again, never
   inwards.
2. *Examples.* Each run is scored on a finite test set. Three seeds that all score exactly 0 have no spread,
   yet an interval of no width claims too much: 0 of 1,500 examples says no more than "below 0.3 %". Wilson's
   interval of the mean score is therefore added, at the number of examples of ALL seeds, since each seed
   draws test examples of its own.

The half-widths of the two are added in quadrature on either side of the estimate (square-and-add: Newcombe,
Statistics in Medicine 17, 1998; Zou and Donner, Statistics in Medicine 27, 2008), and the result is clipped
to the score's range. The spread of seeds holds the error of their test sets already, so the second part counts it
twice: the interval errs to the wide side, by less the more seeds there are.

Another score than a share of examples (`measures`) has the first part alone. Without two finite bounds it is on the raw
scale. A run that has no number, as one that diverged may, leaves a mean unknown: its interval is the whole range.

A difference of two scores of the same runs is paired by seed. Other arms are other runs: to pair them would halve the
degrees of freedom for nothing (over the recorded studies the scores of two arms share 9 % of their variance), so
Welch's degrees of freedom count for both (Biometrika 34, 1947).

No interval of this kind can detect two camps of seeds: if most seeds score 0 and some score 1, a few seeds may all
come from one camp. The intervals hold for seeds that scatter about one value.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.special import chdtri, nctdtrinc, ndtri, stdtrit

from experiments.judging.measures import SHARE, Measure

LEVEL = 0.95
POWER = 0.8  # with which the smallest effect that would have been decided is stated
HALF = 0.5  # a seed above it counts as one that has learnt, where seeds are in two camps
_FAR = 100.0  # a quantile of Student's t that is large
GAP = math.pi / 8  # between two camps of seeds, on the arcsine scale from 0 to pi / 2


@dataclass(frozen=True)
class Seeds:
    """The scores of single seeds: their median with its range, and how many of them are above a half."""

    median: float
    least: float
    most: float
    above: int | None
    number: int
    digits: int = 2

    @classmethod
    def of(cls, scores: Sequence[float], measure: Measure = SHARE) -> Seeds:
        """Returns the seeds of some scores, of which there is one or more; a half is one of scores from 0 to 1."""
        of_unit = (measure.low, measure.high) == (0.0, 1.0)
        above = sum(score > HALF for score in scores) if of_unit else None
        digits = measure.digits(max(scores) - min(scores)) if not of_unit else 2
        return cls(float(np.median(scores)), min(scores), max(scores), above, len(scores), digits)

    def __str__(self) -> str:
        median, least, most = (f"{one:.{self.digits}f}" for one in (self.median, self.least, self.most))
        return f"{median} ({least}-{most})" + ("" if self.above is None else f" {self.above}/{self.number}")


def _tail(level: float) -> float:
    """Returns the probability below the upper bound of an interval. Raises ValueError for a level outside 0 to 1."""
    if not 0 < level < 1:
        raise ValueError(f"a confidence level lies between 0 and 1, not at {level:g}")
    return (1 + level) / 2


@dataclass(frozen=True)
class Interval:
    """An estimate with the lower and upper bound of its 95 % interval.

    freedom: the degrees of freedom of Student's t that it is made with, infinite for the normal distribution. digits:
    those after the point with which it is shown.
    """

    estimate: float
    lower: float
    upper: float
    freedom: float = field(default=math.inf, compare=False, repr=False)
    digits: int = field(default=3, compare=False, repr=False)

    def __str__(self) -> str:
        return "{0:.{3}f} [{1:.{3}f}, {2:.{3}f}]".format(self.estimate, self.lower, self.upper, self.digits)

    def shown(self, measure: Measure) -> Interval:
        """Returns the interval with the digits that suit its width and the measure."""
        return replace(self, digits=measure.digits(self.upper - self.lower))

    def times(self, factor: float) -> Interval:
        """Returns the interval of a multiple."""
        return replace(self, estimate=factor * self.estimate, lower=factor * self.lower, upper=factor * self.upper)


def over_seeds(
    values: Sequence[float],
    low: float = -math.inf,
    high: float = math.inf,
    level: float = LEVEL,
    *,
    freedom: float | None = None,
    rounding: float = 0.0,
) -> Interval:
    """Returns the interval of the mean of a quantity that varies from seed to seed, bounded by `low` and `high`.

    It is Student's t, on the arcsine scale if both bounds are finite. The spread of one seed is unknown: its interval
    is the whole range. Raises ValueError without seeds or if a value is out of range. freedom: degrees of freedom other
    than those of the values alone. rounding: the variance of the error that rounding adds to each value, which equal
    values do not show; for values without a finite bound.
    """
    x = np.asarray(values, float)
    if x.size == 0 or not ((x >= low) & (x <= high)).all():
        raise ValueError(f"an interval needs values between {low:g} and {high:g}, not {list(values)}")
    mean = float(x.mean())
    if x.size == 1:
        return Interval(mean, low, high, 0)
    freedom = x.size - 1 if freedom is None else freedom
    t = float(stdtrit(freedom, _tail(level))) / math.sqrt(x.size)
    if not (math.isfinite(low) and math.isfinite(high)):
        half = t * math.hypot(float(x.std(ddof=1)), math.sqrt(rounding))
        return Interval(mean, max(low, mean - half), min(high, mean + half), freedom)
    angles = np.arcsin(np.sqrt((x - low) / (high - low)))
    centre, half = float(angles.mean()), t * float(angles.std(ddof=1))

    def back(angle: float) -> float:
        return low + (high - low) * math.sin(min(max(angle, 0.0), math.pi / 2)) ** 2

    shift = mean - back(centre)
    lower, upper = back(centre - half) + min(shift, 0.0), back(centre + half) + max(shift, 0.0)
    return Interval(mean, max(low, min(lower, mean)), min(high, max(upper, mean)), freedom)


def proportion(share: float, examples: int, level: float = LEVEL) -> Interval:
    """Returns Wilson's interval of a share of `examples` independent examples."""
    z = float(ndtri(_tail(level)))
    shrink = 1 + z * z / examples
    centre = (share + z * z / (2 * examples)) / shrink
    half = z / shrink * math.sqrt(share * (1 - share) / examples + z * z / (4 * examples * examples))
    return Interval(share, min(share, max(0.0, centre - half)), max(share, min(1.0, centre + half)))


def mean_score(scores: Sequence[float], examples: int, level: float = LEVEL, measure: Measure = SHARE) -> Interval:
    """Returns the interval of the mean over all seeds of a score; each seed's is from `examples` examples."""
    if measure.lost in scores and math.isinf(measure.lost):
        return Interval(measure.lost, measure.low, measure.high, 0)
    seeds = over_seeds(scores, measure.low, measure.high, level)
    if not measure.share:
        return seeds.shown(measure)
    return _add(seeds, proportion(seeds.estimate, examples * len(scores), level), 0.0, 1.0)


def paired_difference(
    more: Sequence[float], less: Sequence[float], examples: int, level: float = LEVEL, measure: Measure = SHARE
) -> Interval:
    """Returns the interval of the mean over all seeds of `more` - `less`, two scores with one seed a place.

    Raises ValueError if the two are not of one length.
    """
    if measure.lost in (*more, *less) and math.isinf(measure.lost):
        return _unknown(more, less, measure)
    seeds = over_seeds([a - b for a, b in zip(more, less, strict=True)], -measure.span, measure.span, level)
    return _add(seeds, _sampling(more, less, examples, level), -1.0, 1.0) if measure.share else seeds.shown(measure)


def difference(
    more: Sequence[float], less: Sequence[float], examples: int, level: float = LEVEL, measure: Measure = SHARE
) -> Interval:
    """Returns the interval of the mean over all seeds of `more` minus that of `less`, scores of other runs.

    Student's t of either side has Welch's degrees of freedom, so that a side without spread costs none. The interval of
    one seed is the whole range.
    """
    if min(len(more), len(less)) < 2 or (measure.lost in (*more, *less) and math.isinf(measure.lost)):
        return _unknown(more, less, measure)
    variances = [float(np.var(side, ddof=1)) / len(side) for side in (more, less)]
    whole, freedom = sum(variances), float(len(more) + len(less) - 2)
    if whole > 0:
        shares = [variance / whole for variance in variances]
        freedom = 1 / sum(share**2 / (len(side) - 1) for share, side in zip(shares, (more, less), strict=True))
    a, b = (over_seeds(side, measure.low, measure.high, level, freedom=freedom) for side in (more, less))
    seeds = _minus(a, b, freedom)
    if measure.share:
        return _add(seeds, _sampling(more, less, examples, level), -1.0, 1.0)
    lower, upper = max(-measure.span, seeds.lower), min(measure.span, seeds.upper)
    return replace(seeds, lower=lower, upper=upper).shown(measure)


def _unknown(more: Sequence[float], less: Sequence[float], measure: Measure) -> Interval:
    """Returns a difference of which no interval is known: that of one seed, or with a run that has no number."""
    with np.errstate(invalid="ignore"):  # both sides may lack one
        estimate = float(np.mean(more) - np.mean(less))
    return Interval(estimate, -measure.span, measure.span, 0)


def _sampling(more: Sequence[float], less: Sequence[float], examples: int, level: float) -> Interval:
    """Returns the interval of a difference of two scores over test examples, `examples` of each seed."""
    a, b = (proportion(float(np.mean(side)), examples * len(side), level) for side in (more, less))
    return _minus(a, b)


def _minus(a: Interval, b: Interval, freedom: float = math.inf) -> Interval:
    """Returns the difference of two independent estimates, their half-widths added in quadrature."""
    estimate = a.estimate - b.estimate
    below = math.hypot(a.estimate - a.lower, b.upper - b.estimate)
    above = math.hypot(a.upper - a.estimate, b.estimate - b.lower)
    return Interval(estimate, estimate - below, estimate + above, freedom)


def margin(half: float, freedom: float, level: float = LEVEL) -> float:
    """Returns how far a true effect must lie beyond a bound for its interval to do so with probability POWER.

    half: the half-width of the interval, made by Student's t with `freedom` degrees of freedom; noncentral t.
    """
    if freedom < 1 or not math.isfinite(half):
        return math.inf
    if not math.isfinite(freedom):
        return half * (1 + float(ndtri(POWER)) / float(ndtri(_tail(level))))
    t = float(stdtrit(freedom, _tail(level)))
    if t > _FAR:  # there the noise of the mean is small beside that of its spread; and scipy 1.17 may never end
        return half * math.sqrt(float(chdtri(freedom, 1 - POWER)) / freedom)
    return half * float(nctdtrinc(freedom, 1 - POWER, t)) / t


def two_camps(scores: Sequence[float]) -> bool:
    """Returns whether scores in [0, 1] fall into two camps, with a gap between them that is wider than either camp.

    The gap is that between neighbours on the arcsine scale, where a share scatters alike everywhere. It must be GAP
    or more, a quarter of the scale: from 0 to .15, from .5 to .85, from .85 to 1.
    """
    angles = np.sort(np.arcsin(np.sqrt(np.clip(scores, 0.0, 1.0))))
    if len(angles) < 2:
        return False
    gaps = np.diff(angles)
    widest = int(gaps.argmax())
    below, above = angles[widest] - angles[0], angles[-1] - angles[widest + 1]
    return bool(gaps[widest] >= GAP and gaps[widest] > max(below, above))


def _add(first: Interval, second: Interval, low: float, high: float) -> Interval:
    """Returns two independent errors of one estimate, added in quadrature on either side and clipped to the range."""
    estimate = first.estimate
    below = math.hypot(estimate - first.lower, estimate - second.lower)
    above = math.hypot(first.upper - estimate, second.upper - estimate)
    return Interval(estimate, max(low, estimate - below), min(high, estimate + above), first.freedom)
