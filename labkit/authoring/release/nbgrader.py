"""A course for nbgrader: its `generate_assignment` makes of this source what students get from us, cell by cell."""

from datetime import UTC

from labkit.authoring import source
from labkit.authoring.hosting import with_installing
from labkit.authoring.release.planning import Plan, Stage, with_points
from labkit.authoring.release.trees import with_manifest

CONFIG = '''\
"""nbgrader's settings for this course. In a course of your own, copy all of this into its nbgrader_config.py."""

import re

from nbgrader.converters import GenerateAssignment
from nbgrader.preprocessors import ClearSolutions

c = get_config()
c.CourseDirectory.course_id = {course_id!r}
c.Execute.timeout = 300  # seconds for a cell; a figure may take half a minute on a slow machine


class StubWithNumber(ClearSolutions):
    """Puts raise NotImplementedError("TODO 05.2") where the solution of 05.2 was, so that checks know it as open."""

    def preprocess_cell(self, cell, resources, cell_index):
        found = re.search(r"TODO (\\d\\d\\.\\d+)", cell.source)
        if found:
            stub = f'raise NotImplementedError("TODO {{found[1]}}")'
            self.code_stub = {{**self.code_stub, "python": stub}}
        return super().preprocess_cell(cell, resources, cell_index)


usual = GenerateAssignment.class_traits()["preprocessors"].default()
c.GenerateAssignment.preprocessors = [StubWithNumber if step is ClearSolutions else step for step in usual]
'''

README = """\
# {course}, for nbgrader

**This folder holds the solutions.** Students get what `generate_assignment` writes into `release/`.

It is the root of an nbgrader course (tried with nbgrader 0.9.6); each stage is an assignment. nbgrader's kernel
`python3` must be a Python in which the lab is installed; the simplest way is to install nbgrader beside it
(`pip install nbgrader -r requirements.txt`, in this folder). Activate that environment first: nbgrader calls programs
of its own by name.

```sh
{commands}
```

Do you have a course already? Copy the folders of `source/` into its `source/`, and `nbgrader_config.py` into its
configuration. Without that configuration nbgrader writes `# YOUR CODE HERE` where our notebooks name the exercise;
they work all the same.

**What nbgrader does not promise.** It runs a submission and its checks in one process, so that a submission can
replace the check (`check = lambda *a: None` gets all points). `labkit grade` judges outside of that process, and
reads `submitted/` as it is: `labkit grade .` in this folder.
"""


def nbgrader_course(plan: Plan) -> dict[str, bytes]:
    """Path -> content of a course root: source/STAGE/STAGE.ipynb with solutions, the settings, how to go on."""
    files = {f"source/{stage.source.stem}/{stage.file}": _source(stage) for stage in plan.stages}
    course_id = "".join(letter if letter.isalnum() else "-" for letter in plan.course.lower())
    texts = {
        "nbgrader_config.py": CONFIG.format(course_id=course_id),
        "README.md": README.format(course=plan.course, commands=_commands(plan)),
        "requirements.txt": f"{plan.lab}\n",
    }
    files |= {name: text.encode() for name, text in texts.items()} | dict(plan.wheels)
    return with_manifest(files, plan.facts())


def _source(stage: Stage) -> bytes:
    """The stage as its source has it, solutions between nbgrader's markers."""
    notebook = with_points(with_installing(source.read(stage.source)), stage.points)
    return source.as_file(notebook).encode()


def _commands(plan: Plan) -> str:
    """The steps of a week, for the first stage."""
    name = plan.stages[0].source.stem
    due = f' --duedate "{plan.due.astimezone(UTC):%Y-%m-%d %H:%M} UTC"' if plan.due else ""
    steps = [
        (f"db assignment add {name}{due}", "once"),
        (f"generate_assignment {name}", f"release/{name}/, for students"),
        (f"autograde {name}", f"submitted/STUDENT/{name}/ -> autograded/"),
        (f"generate_feedback {name}", f"feedback/STUDENT/{name}/"),
        ("export", "grades.csv"),
    ]
    width = max(len(step) for step, _ in steps)
    return "\n".join(f"nbgrader {step:{width}}  # {what}" for step, what in steps)
