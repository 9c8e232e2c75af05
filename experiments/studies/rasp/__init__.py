"""Studies of length generalisation on RASP-L tasks."""

ORDER = (
    "table",
    "rerun",
    "count_curves",
    "addition",
    "addition_reach",
    "parity",
    "mode_scratchpad",
    "and_",
    "positions",
)
