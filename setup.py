"""What pyproject.toml cannot say: a wheel carries the notebooks and the solutions' sources, which lie beside labkit/.

They go to labkit/authoring/course/, which no clone has: there, and in an editable installation, the clone's own count.
That folder is out of a submission's sight in grading, as all of labkit/authoring is.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

COURSE = Path("labkit/authoring/course")


def carried() -> list[Path]:
    """The source of each stage and its notebook to fill in, relative to this file; nobody's copies of them.

    Raises: OSError if a notebook is missing, so that no wheel is built without
    """
    sources = sorted(Path("solutions").glob("[0-9][0-9]_*.py"))
    notebooks = [Path("notebooks", f"{source.stem}.ipynb") for source in sources]
    missing = [path for path in notebooks if not path.is_file()]
    if missing or not sources:
        raise OSError(f"expected solutions/*.py and a notebook of each; missing: {missing or 'solutions'}")
    return [*sources, *notebooks]


class WithCourse(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            shutil.rmtree(Path(self.build_lib) / COURSE, ignore_errors=True)  # what an earlier build has left
            for path in carried():
                place = Path(self.build_lib) / COURSE / path
                self.mkpath(str(place.parent))
                self.copy_file(str(path), str(place), preserve_mode=False)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        course = [] if self.editable_mode else [str(Path(self.build_lib) / COURSE / p) for p in carried()]
        return [*super().get_outputs(include_bytecode), *course]

    def get_source_files(self) -> list[str]:
        return [*super().get_source_files(), *map(str, carried())]


setup(cmdclass={"build_py": WithCourse})
