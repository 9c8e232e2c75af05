"""What is special to the studies of Boolean functions in context: the optimum, points of a prompt, and their notes."""

from __future__ import annotations

import polars as pl
import pytest

from experiments import studies
from experiments.judging.axes import POSTERIOR
from experiments.judging.grid import MODEL, Grid
from experiments.studies.boolean import table, teaching, two_algorithms
from experiments.studies.boolean.family import FAMILY, UNSEEN
from tests.tables import judged, made_up, table_of

HIGH, MIDDLE, LOW, CHANCE = (0.98, 0.99, 0.98), (0.85, 0.86, 0.84), (0.4, 0.42, 0.41), (0.5, 0.52, 0.49)


def test_the_optimum_is_the_posterior_or_else_the_best_baseline():
    scores = {"unseen": HIGH, "bayes:unseen": MIDDLE, "null:unseen": CHANCE, "nearest_neighbours:unseen": HIGH}
    of = made_up("boolean/curves/cpu", ["task.family"], {("conjunction",): scores, ("parity",): scores})
    assert set(Grid(of, (FAMILY,)).optimum("unseen").values()) == {POSTERIOR}
    of = of.filter((pl.col("learner") != POSTERIOR) | (pl.col("task.family") != "parity"))
    assert Grid(of, (FAMILY,)).optimum("unseen") == {("conjunction",): POSTERIOR, ("parity",): "nearest_neighbours"}


def test_the_optimum_of_every_class_is_named():
    assert "Optimum: bayes for conjunction, bayes for majority, bayes for parity." in judged("boolean/curves").notes


def test_a_parity_that_no_learner_could_learn_gives_no_verdict():
    of = table_of("boolean/curves")
    blind = (pl.col("learner") != MODEL) & (pl.col("task.family") == "parity")
    judgement = studies.claim_for("boolean/curves").judge(
        of.with_columns(exact_match=pl.when(blind).then(0.5).otherwise("exact_match"))
    )
    assert (judgement.verdict, judgement.cause) == ("inconclusive", "not solvable")


def test_the_place_of_attention_among_its_rivals_on_other_classes_is_noted():
    other = {(UNSEEN, ("conjunction", layer)): MIDDLE for layer in table.MIXER.tried}
    notes = judged("boolean/table", other | {(UNSEEN, ("conjunction", "mamba")): HIGH}).notes
    assert notes[-1] == ("On conjunction: 0.850 of attention, 0.850 to 0.983 of its rivals, 1 of 2 above (not judged).")


def test_an_unlimited_pool_is_the_largest():
    judgement = judged("boolean/diversity")
    assert [row.setting for row in judgement.rows] == ["8", "unlimited"]
    assert "unlimited functions minus 8 functions" in judgement.sentence


def test_right_after_a_teaching_sequence_is_a_point_that_follows_from_the_number_of_variables():
    of = table_of("boolean/teaching")
    assert of["position"].drop_nulls().unique().to_list() == [10]
    taught = {(teaching.AFTER, (family, 8, True)): LOW for family in teaching.FAMILIES.tried}
    judgement = judged("boolean/teaching", taught)
    assert judgement.verdict == "not reproduced"
    assert "(at point 10), prompts that begin with one minus prompts without, is " in judgement.sentence


def test_near_perfect_accuracy_is_asked_only_where_teaching_helps():
    plain = {(teaching.AFTER, (family, 8, False)): CHANCE for family in teaching.FAMILIES.tried}
    judgement = judged("boolean/teaching", plain | {(teaching.AFTER, ("monotone_conjunction", 8, True)): MIDDLE})
    assert judgement.verdict == "not reproduced"
    assert "and monotone conjunction is 0.850" in judgement.sentence
    assert "at least 0.05" not in judgement.sentence


@pytest.mark.parametrize("share", two_algorithms.SHARE.tried)
def test_a_class_that_no_run_learns_without_a_sequence_is_noted(share: float):
    lost = {(two_algorithms.PLAIN, ("sparse_parity", s)): CHANCE for s in two_algorithms.SHARE.tried}
    note = "Without a sequence at chance in every arm, where nothing can be lost: sparse parity (not judged)."
    assert note in judged("boolean/two_algorithms", lost).notes
    learnt = lost | {(two_algorithms.PLAIN, ("sparse_parity", share)): HIGH}
    assert not any("chance" in said for said in judged("boolean/two_algorithms", learnt).notes)
