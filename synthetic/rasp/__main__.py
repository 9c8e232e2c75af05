"""`python -m synthetic.rasp` prints the RASP-L programs and their lengths, as CSV."""

from __future__ import annotations

from synthetic.rasp.programs import PROGRAMS, length

if __name__ == "__main__":
    print("program,operations")
    for name, program in PROGRAMS.items():
        print(f"{name},{length(program)}")
