"""The panel at the top of a notebook: what passes, what is left, where to go on.

    progress("05")

It is drawn anew whenever its cell runs, and after each check. Where no student is at work, such as in an executed
solution, it says what it would show, so that nobody's progress is saved there.
"""

from typing import Any

from labkit.exercises import memory
from labkit.exercises.catalogue import exercises
from labkit.exercises.panel_texts import as_html, as_text
from labkit.exercises.standings import progress_in
from labkit.kernel import folder_of, students_shell

_shown: dict[str, Any] = {}  # stage -> the output that shows its panel in this kernel


def progress(stage: str) -> None:
    """Show how far you are: in this stage, on the core path, in the whole lab, and what is next.

        progress("05")

    Raises: LabError for an unknown stage
    """
    exercises(stage)
    from IPython import get_ipython
    from IPython.display import display

    bundle = _bundle(stage)
    if getattr(get_ipython(), "kernel", None) is None:
        print(bundle["text/plain"])
    else:
        _shown[stage] = display(bundle, raw=True, display_id=True)


def refresh() -> None:
    """Draw anew the panels that this kernel has shown."""
    for stage, output in _shown.items():
        output.update(_bundle(stage), raw=True)


def _bundle(stage: str) -> dict[str, str]:
    """MIME type -> data, as a notebook shows it."""
    shell = students_shell()
    if shell is None:
        told = f"In a notebook that you work in, this shows which exercises of stage {stage} pass, and what is next."
        return {"text/plain": told, "text/html": f"<p><em>{told}</em></p>"}
    folder = folder_of(shell)
    course, kept = progress_in(folder), memory.is_kept(folder)
    return {"text/plain": as_text(course, stage, kept=kept), "text/html": as_html(course, stage, kept=kept)}
