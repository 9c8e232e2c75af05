"""Rewriting strings by rules, after Only-IF and its forerunners (arXiv 2410.04717, 2405.19787, 2402.10891)."""

from synthetic.markov.abstraction import MarkovAbstraction
from synthetic.markov.algorithms import MarkovAlgorithms
from synthetic.markov.encrypted import MarkovEncrypted
from synthetic.markov.families import MarkovFamilies
from synthetic.markov.rewriting import Markov

__all__ = ["Markov", "MarkovAbstraction", "MarkovAlgorithms", "MarkovEncrypted", "MarkovFamilies"]
