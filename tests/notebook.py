"""A reader of notebooks that needs no Jupyter: runs the cells of one in order, in one namespace, as a kernel does.

`python -m tests.notebook docs/tour.ipynb` runs a notebook and writes its outputs into it: what its cells print, and the
figures that they draw.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt


def read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def code_cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def run(notebook: dict[str, Any]) -> dict[str, Any]:
    """Run the code cells, put into each what it printed and drew, and return the names that they leave."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(code_cells(notebook), start=1):
        printed = io.StringIO()
        plt.close("all")
        with contextlib.redirect_stdout(printed):
            exec(compile("".join(cell["source"]), f"<cell {number}>", "exec"), names)
        cell |= {"execution_count": number, "outputs": [*_text(printed.getvalue()), *_figures()]}
    plt.close("all")
    return names


def _text(printed: str) -> Iterator[dict[str, Any]]:
    if printed:
        yield {"output_type": "stream", "name": "stdout", "text": printed.splitlines(keepends=True)}


def _figures() -> Iterator[dict[str, Any]]:
    for number in plt.get_fignums():
        picture = io.BytesIO()
        plt.figure(number).savefig(picture, format="png", metadata={"Software": None})
        data = {"image/png": base64.b64encode(picture.getvalue()).decode(), "text/plain": ["<Figure>"]}
        yield {"output_type": "display_data", "data": data, "metadata": {}}


if __name__ == "__main__":
    path = Path(sys.argv[1])
    notebook = read(path)
    run(notebook)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
