"""Studies of noised arithmetic traces (TInt)."""
