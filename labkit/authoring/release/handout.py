"""The folder that students get. Nothing in it may hold a solution."""

from labkit.authoring.release.planning import Plan
from labkit.authoring.release.readme import student_readme
from labkit.authoring.release.trees import with_manifest

_ENVIRONMENT = """\
# conda env create -f environment.yml && conda activate cnn-lab && labkit lab notebooks
name: cnn-lab
channels:
  - conda-forge
dependencies:
  - python=3.12
  - pip
  - pip:
      - {lab}
"""


def handout(plan: Plan) -> dict[str, bytes]:
    """Path -> content of what is handed out, release.json included."""
    texts = {
        "README.md": student_readme(plan),
        "requirements.txt": f"{plan.lab}\n",
        "environment.yml": _ENVIRONMENT.format(lab=plan.lab),
    }
    notebooks = {f"notebooks/{stage.file}": stage.notebook.encode() for stage in plan.stages}
    files = {name: text.encode() for name, text in texts.items()} | notebooks | dict(plan.wheels)
    return with_manifest(files, plan.facts())
