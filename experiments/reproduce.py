"""`python -m experiments.reproduce STUDY`: runs the unfinished jobs of a study, judges its claim, draws its figure.

    python -m experiments.reproduce markov/threshold/cpu            run, judge, compare with the record
    python -m experiments.reproduce markov/threshold/cpu --record   and add the runs to the record in paper/results/
    python -m experiments.reproduce markov/threshold/cpu --check    judge from that record alone, without training
    python -m experiments.reproduce --all --scale cpu               every study of a scale; --record, --check too

The record of a study of another package is in the folder results/ beside that study's settings.
Further words are Hydra overrides for every run (out=FOLDER, wandb.mode=offline, seed=1,2,3,4,5).
"""

from __future__ import annotations

import argparse

from experiments import recorded, settings, summary
from experiments.errors import ConfigError, command
from experiments.judging.results import RESULTS, RecordError, folder_for, path_for
from experiments.modules import check_checkout
from experiments.printing import show, show_left_out, show_summary
from experiments.streams import console
from experiments.studies import ClaimError, claim_for, faults


def main() -> int:
    """Runs the command; see the module's docstring."""
    scales = sorted({name.split("/")[2] for name in settings.studies()})
    parser = argparse.ArgumentParser(prog="python -m experiments.reproduce", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("words", nargs="*", metavar="STUDY [KEY=VALUE ...]", help="as markov/threshold/cpu; overrides")
    parser.add_argument("--all", action="store_true", help="all studies of a scale in place of one")
    parser.add_argument("--scale", choices=scales, default="cpu", help="the scale of --all")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--record", action="store_true", help="add the results to the study's record, and draw the figure there"
    )
    how.add_argument("--check", action="store_true", help="judge from the record alone, without training")
    words = parser.parse_intermixed_args()  # so that overrides may come after an option
    named = [word for word in words.words if "=" not in word]
    overrides = [word for word in words.words if "=" in word]
    if words.all == bool(named) or len(named) > 1:
        raise ConfigError(f"STUDY: name one study, as markov/threshold/cpu, or ask for --all; got {named or 'none'}")
    if words.all and (other := [o for o in overrides if o.startswith("name=")]):
        raise ConfigError(f"{other[0]}: not with --all, where each study has a folder of its own")
    if words.check and overrides:
        raise ConfigError(f"{overrides[0]}: not with --check, which reads the record and runs nothing")
    if words.record and (other := [o for o in overrides if not o.startswith(settings.SAME_STUDY)]):
        raise ConfigError(f"{other[0]}: not with --record, which writes down the study as its file has it")
    if named:
        settings.read_study(named[0])
    if words.record and (words.all or folder_for(named[0]) == RESULTS):
        check_checkout("the record")
    try:
        if words.check:
            return _check_all(words.scale) if words.all else _check(named[0])
        from experiments import reproduction  # JAX, which a check does without

        return reproduction.run(None if words.all else named[0], words.scale, overrides, record=words.record)
    except (ClaimError, RecordError) as e:
        raise ConfigError(str(e)) from None


def _check(name: str) -> int:
    claim = claim_for(name)
    table, judgement = summary.read(claim, path_for(name))
    show(claim, judgement, table, console())
    return 0


def _check_all(scale: str) -> int:
    recorded.check()
    show_summary(summary.entries(scale), console())
    return show_left_out(faults())


if __name__ == "__main__":
    command(main, trains=True)()
