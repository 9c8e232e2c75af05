"""The largest numbers of traced functions: they have `DIGITS` digits or fewer."""

DIGITS = 18
LIMIT = 10**DIGITS  # numbers fit in an int64, and so does the sum of any two
HALF = 10 ** (DIGITS // 2)  # factors are taken modulo this
