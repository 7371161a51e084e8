"""How the panel of a notebook reads: as markup, and as text for front ends that show none."""

from html import escape

from labkit.exercises.standings import How, Progress, Standing, duration, name, told

_LINE = "rgba(127,127,127,.4)"  # seen on light and on dark ground
_FILL = "#2e8b57"  # 3:1 and more against both
_LIST = "list-style:none;margin:6px 0;padding:0"
_ROW = "display:flex;flex-wrap:wrap;gap:4px 14px"
_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(58px,1fr));gap:4px 14px"
_UNSEEN = "position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);white-space:nowrap"


def what_is_next(course: Progress, stage: str) -> list[tuple[str, Standing]]:
    """Where to go on in this notebook, and on the core path where that is elsewhere."""
    here, core = course.of_stage(stage).next, course.core.next
    found = [("Next here", here), ("Next on the core path", None if core == here else core)]
    if not (here or core):
        found = [("Next", course.next)]
    return [(label, standing) for label, standing in found if standing]


def as_text(course: Progress, stage: str, *, kept: bool = True) -> str:
    """The panel as lines of text; `kept` as for `as_html`."""
    here = course.of_stage(stage)
    lines = [f"{here.title}: {told(here)}", f"Core path: {told(course.core)}", f"Whole lab: {told(course)}"]
    lines += [f"{label}: {name(standing)}" for label, standing in what_is_next(course, stage)]
    return "\n".join([*lines, *_remarks(course.of_stage(stage), kept)])


def as_html(course: Progress, stage: str, *, kept: bool = True) -> str:
    """The panel as markup, whole in itself.

    kept: whether it outlives the kernel; it says so if not
    """
    here = course.of_stage(stage)
    steps = "".join(f"<li style='margin:0'>{_step(standing)}</li>" for standing in here.standings)
    stages = "".join(_stage(number, part, number == stage) for number, part in course.stages.items())
    remarks = "".join(f"<div>{escape(remark)}</div>" for remark in _remarks(here, kept))
    return (
        f"<section class='labkit-progress' aria-label='Your progress' style='position:relative;"
        f"border:1px solid {_LINE};border-radius:6px;padding:10px 16px;margin:4px 0;max-width:760px;line-height:1.5'>"
        f"<div><b>{escape(here.title)}</b>: {told(here)}</div>{_bar(here, 8)}"
        f"<ul style='{_LIST};{_ROW}'>{steps}</ul>{_following(course, stage)}{remarks}"
        f"<div style='margin-top:10px'><b>Core path ●</b>: {told(course.core)}</div>{_bar(course.core, 8)}"
        f"<div style='margin-top:10px'><b>All stages</b>: {told(course)}</div>"
        f"<ul style='{_LIST};{_GRID}'>{stages}</ul></section>"
    )


def _following(course: Progress, stage: str) -> str:
    rows = [
        f"<div><b>{label}:</b> {_link(standing, escape(name(standing)), 'text-decoration:underline')}, "
        f"{duration(standing.exercise.minutes)}</div>"
        for label, standing in what_is_next(course, stage)
    ]
    return "".join(rows) or "<div><b>All exercises of the lab pass.</b></div>"


def _remarks(here: Progress, kept: bool) -> list[str]:
    """What else a student should know."""
    changed = ", ".join(standing.exercise.id for standing in here.those(How.CHANGED))
    found = [f"Passed, but changed since: {changed}. Run the check again."] if changed else []
    return found + ["This folder cannot be written to: progress ends with this kernel."] * (not kept)


def _step(standing: Standing) -> str:
    """One exercise of this stage: "✓ 05.1 ●", a link to its section."""
    mark, core = ("✓", " ●") if standing.passes else ("○", " ●")
    shown = f"{mark} {standing.exercise.id}{core * standing.exercise.core}"
    unseen = f"<span style='{_UNSEEN}'> {escape(standing.exercise.title)}: {standing.how}</span>"
    return _link(standing, shown + unseen)


def _stage(number: str, part: Progress, here: bool) -> str:
    """One stage of the course: its number, a link to its notebook, and a bar."""
    label = f"<b>{number}</b>" if here else number
    notebook = part.notebook
    link = f"<a href='{notebook.address_of()}'>{label}</a>" if notebook and not here else label
    return (
        f"<li style='margin:0;white-space:nowrap' title='{escape(part.title, quote=True)}'>"
        f"{link} <span>{part.passed}/{part.total}</span>{_bar(part, 4)}</li>"
    )


def _link(standing: Standing, label: str, style: str = "") -> str:
    """Markup that leads to the exercise's section in its notebook; the label alone where there is none."""
    if standing.notebook is None:
        return label
    return f"<a href='{standing.notebook.address_of(standing.exercise.id)}' style='{style}'>{label}</a>"


def _bar(part: Progress, height: int) -> str:
    """How much is done, as a bar; the words beside it say the same."""
    share = 100 * part.passed / part.total
    return (
        f"<div aria-hidden='true' style='height:{height}px;border-radius:{height}px;background:{_LINE};margin:3px 0;"
        f"overflow:hidden'><div style='width:{share:.0f}%;height:100%;background:{_FILL}'></div></div>"
    )
