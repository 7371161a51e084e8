"""What Gradescope needs to grade a release: autograder.zip, and how to set it up.

The zip is as https://gradescope-autograders.readthedocs.io/en/latest/specs/ asks: setup.sh and run_autograder at its
root. The lab travels in it, so that Gradescope judges with the very lab that the release was made with.
"""

from labkit.authoring.release.planning import Plan
from labkit.authoring.release.readme import number
from labkit.authoring.release.trees import with_manifest, zipped

VISIBILITIES = ("visible", "after_due_date", "after_published", "hidden")  # Gradescope's words

SETUP = """\
#!/usr/bin/env bash
# Gradescope runs this once, as root, when it builds the image: a Python of its own with the lab in it.
set -euo pipefail
root=${LABKIT_AUTOGRADER_ROOT:-/autograder}

choose() { # the first Python that is new enough and can make an environment
    local name
    for name in python3.12 python3.13 python3.11 python3; do
        if "$name" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    return 1
}

if ! python=$(choose); then
    apt-get update -qq
    for version in 3.12 3.11 3.13; do # the first that this Ubuntu has
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "python$version" "python$version-venv" && break
    done
    python=$(choose) || { echo "labkit needs Python 3.11 or newer; choose a newer Ubuntu in Gradescope" >&2; exit 2; }
fi

"$python" -m venv "$root/venv"
cd "$root/source" # requirements.txt names a file in here
# PyTorch without CUDA, which a container has no use for, where its makers' index can be reached
"$root/venv/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check \\
    --extra-index-url https://download.pytorch.org/whl/cpu -r requirements.txt
"""

RUN = """\
#!/usr/bin/env bash
# Gradescope runs this for each submission; it writes results/results.json.
set -euo pipefail
root=${LABKIT_AUTOGRADER_ROOT:-/autograder}
exec "$root/venv/bin/python" -m labkit.grading.gradescope "$root"
"""

README = """\
# {course}, for Gradescope

1. In your course: *Create Assignment*, *Programming Assignment*; autograder points: **{points}**.
2. *Configure Autograder*: upload `autograder.zip`, with an Ubuntu 22.04 image or newer. Building it takes some minutes.
3. *Settings*: the **largest container** (4 CPU, 6 GB) and a **timeout of 40 minutes**. Gradescope's own 0.75 GB are too
   few for PyTorch: grading would end with "Killed".
4. *Test Autograder* with a solved notebook, before students come.

Students hand in {files}.

Each exercise is a test with its points; where an answer is wrong, the test says what was expected, what came, and the
likely cause. Students see that: *{visibility}* (`--visibility` changes it).

**What to know.** Submissions are graded on inputs that nobody has seen, drawn anew for each; the log of a run, for
instructors, says from which seed, and what was flagged. Gradescope's containers are thrown away after a submission, and
in them a submission cannot be shut off from its grader as well as on a machine with bubblewrap: each result says what
was there ("Isolation: …"). So let students look at these results, and for the marks download the submissions and
run `labkit grade` on them; it reads Gradescope's export as it is.
"""


def autograder(plan: Plan, visibility: str) -> dict[str, bytes]:
    """Path -> content of the folder for instructors: autograder.zip, and a README that says how to set it up."""
    points = number(sum(stage.worth for stage in plan.stages))
    files = ", ".join(f"`{stage.file}`" for stage in plan.stages)
    readme = README.format(course=plan.course, points=points, files=files, visibility=visibility)
    return with_manifest(
        {"autograder.zip": _zip(plan, visibility), "README.md": readme.encode()}, plan.facts()
    )


def _zip(plan: Plan, visibility: str) -> bytes:
    texts = {"setup.sh": SETUP, "run_autograder": RUN, "requirements.txt": f"{plan.lab}\n"}
    files = {name: text.encode() for name, text in texts.items()} | dict(plan.wheels)
    files |= {f"notebooks/{stage.file}": stage.notebook.encode() for stage in plan.stages}
    files = with_manifest(files, plan.facts() | {"visibility": visibility})
    return zipped(files, executable=("setup.sh", "run_autograder"))
