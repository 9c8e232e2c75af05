"""Studies of noised arithmetic traces (TInt)."""

ORDER = (
    "static_vs_dynamic",
    "contamination",
    "cot_or_not",
    "operations",
    "line_noise",
    "prompted",
    "finetune",
    "why",
)
