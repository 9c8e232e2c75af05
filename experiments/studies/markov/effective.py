"""Counts the effective rules of a skewed training set, by the power law of Only-IF (arXiv 2410.04717, section 2.3.3).

The rule of an example is floor(I u^(1/a)) for I rules, shape a (the knobs `num_rules` and `rule_power` of the Markov
tasks) and u uniform in [0, 1): rule r has the share ((r+1)/I)^a - (r/I)^a of the examples.
"""

from __future__ import annotations

import numpy as np

BARELY_SEEN = 0.001  # share of the examples; the paper counts rules with less as hardly seen


def shares(rule_power: float, num_rules: int) -> np.ndarray:
    """Returns the share of the examples that each rule has, float64[num_rules]; the shares add up to 1."""
    return np.diff((np.arange(num_rules + 1) / num_rules) ** rule_power)


def effective_rules(rule_power: float, num_rules: int) -> float:
    """Returns the exponential of the entropy of the rules' shares.

    It is `num_rules` if they are equal, and 1 if one rule has all examples.
    """
    share = shares(rule_power, num_rules)
    share = share[share > 0]  # float64 leaves nothing of the last rules where almost all is the first's
    return float(np.exp(-(share * np.log(share)).sum()))


def rules_with_share(rule_power: float, num_rules: int, least: float = BARELY_SEEN) -> int:
    """Returns the number of rules that have `least` of the examples or more."""
    # Equal shares of 1/1000 are that only up to the last bit.
    return int((shares(rule_power, num_rules) >= least * (1 - 1e-9)).sum())
