"""A stage with few cells to execute, as a source: set-up, tasks and checks of the real one, nothing that only shows."""

import jupytext
from lab import ROOT

STAGE_03 = ROOT / "solutions" / "03_activations.py"


def light_source(folder, path=STAGE_03):
    """Write the source without its cells that only show into a folder, under its own name; the folder."""
    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="py:percent")
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    notebook.cells = [cell for cell in notebook.cells if cell is first or _stays(cell)]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / path.name).write_text(jupytext.writes(notebook, fmt="py:percent"), encoding="utf-8")
    return folder


def _stays(cell):
    is_task = cell.cell_type == "code" and "### BEGIN SOLUTION" in cell.source
    return cell.cell_type != "code" or is_task or cell.source.startswith('check("')
