"""What a folder's name says of it: that a class lies in it, or that it is a student's own."""

import re

_HOLDS_A_CLASS = {
    "abgaben", "class", "classes", "collected", "download", "downloads", "einreichungen", "handins", "students",
    "studierende", "submissions", "submitted", "turnedin", "uploads",
}  # fmt: skip
_ALONE = {"submission", "student"}  # with a number they are one student's
_BESIDE = {
    "all", "assignment", "autumn", "canvas", "copy", "course", "exercise", "export", "fall", "final", "for", "from",
    "gradescope", "group", "handed", "homework", "hw", "in", "lab", "labs", "late", "moodle", "new", "notebook",
    "notebooks", "of", "section", "sheet", "spring", "ss", "stage", "summer", "the", "turned", "week", "winter", "ws",
    "zip",
}  # fmt: skip
_OWN = _BESIDE | {
    "abgabe", "alt", "attempt", "backup", "branch", "cnn", "code", "colab", "content", "data", "deep", "desktop",
    "doc", "docs", "documents", "dokumente", "draft", "drive", "exercises", "file", "files", "first", "folder", "git",
    "github", "google", "handout", "home", "homeworks", "jovyan", "jupyter", "labkit", "learning", "local", "main",
    "master", "mine", "mnt", "my", "neu", "neuer", "old", "onedrive", "ordner", "project", "projects", "python",
    "release", "released", "repo", "second", "solution", "solutions", "src", "stages", "submission", "task", "tasks",
    "temp", "tmp", "try", "unbenannt", "untitled", "user", "users", "v", "version", "versions", "vision", "work",
    "workspace",
}  # fmt: skip


def holds_a_class(name: str) -> bool:
    """Whether nobody is called so, and a folder of students is: "submissions (2)", "Lab 5 submissions"."""
    words = _words(name)
    if len(words) == 1 and words[0] in _ALONE:
        return True
    known = {word for word in words if not word.isdigit()}
    return bool(known & _HOLDS_A_CLASS or {"handed", "in"} <= known) and known <= _HOLDS_A_CLASS | _BESIDE


def is_own(name: str) -> bool:
    """Whether a folder inside a student's may well be called so, and no student is: "notebooks", "cnn-lab-main"."""
    words = _words(name)
    return len(name) == 1 or all(word.isdigit() or word in _OWN or word in _HOLDS_A_CLASS for word in words)


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W\d_]+|\d+", name.casefold())
