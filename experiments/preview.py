"""`python -m experiments.preview`: readable examples of a task under any overrides, prompt and answer apart.

python -m experiments.preview task=markov task.noop_rate=0.3 count=5
python -m experiments.preview study=markov/threshold/cpu split=unseen
"""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from experiments.engine import devices
from experiments.errors import command
from experiments.examples import batches, compiled, read_words, rows
from experiments.streams import console
from synthetic.task import Example


def main() -> int:
    """Runs the command; see the module's docstring."""
    devices.use_all_cores()
    words = read_words(__doc__ or "", "preview", count="5")
    size = min(words.count, 1024)
    screen = console()
    for batch in batches(compiled(words.run, words.splits[0], size), words.count, size):
        shown = [(*words.run.task.render(example), _format_facts(example)) for example in rows(batch)]
        if screen.is_terminal:
            screen.print(_table(shown))
            continue
        print("\n".join(f"{prompt}  =>  {answer}    ({facts})" for prompt, answer, facts in shown), flush=True)
    return 0


def _format_facts(example: Example) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in example.facts.items())


def _table(shown: list[tuple[str, str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    for _ in range(4):
        table.add_column(overflow="fold")
    for prompt, answer, facts in shown:
        cells = ((prompt, "cyan"), ("=>", "dim"), (answer, "bold green"), (facts, "dim"))
        table.add_row(*(Text(text, style) for text, style in cells))
    return table


if __name__ == "__main__":
    command(main)()
