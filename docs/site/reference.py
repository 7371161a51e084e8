"""The reference's pages: one for each package of labkit, with all its modules, found by being there."""

import ast
from collections.abc import Iterator
from pathlib import Path

from docstrings import as_markdown
from pages import ROOT

LABKIT = ROOT / "labkit"
LEFT_OUT = ("stage_",)  # the exercises themselves: they are read in the notebooks


def reference() -> dict[str, str]:
    """Place in the site -> Markdown, in which ::: asks for what a module's docstrings say."""
    packages = [path.parent for path in sorted(LABKIT.glob("*/__init__.py"))]
    pages = {f"api/{package.name}.md": _page(package) for package in packages}
    alone = sorted(path for path in LABKIT.glob("*.py") if path.stem != "__init__")
    asked = "\n\n".join(f"::: {_name(path)}" for path in alone)
    pages["api/networks.md"] = f"# Layers, gradients and what else everything rests on\n\n{asked}\n"
    pages["api/labkit.md"] = f"# labkit, in a notebook\n\n{_intro(LABKIT)}\n"
    return pages


def _page(package: Path) -> str:
    modules = "\n\n".join(f"::: {_name(path)}" for path in _modules(package))
    return f"# {_name(package)}\n\n{_intro(package)}\n\n{modules}\n"


def _modules(package: Path) -> Iterator[Path]:
    for path in sorted(package.iterdir()):
        if path.name.startswith(LEFT_OUT):
            continue
        if (path / "__init__.py").exists():
            yield path
            yield from _modules(path)
        elif path.suffix == ".py" and path.stem != "__init__":
            yield path


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _intro(package: Path) -> str:
    """What a package says of itself, and what is imported from it, with links to where that is described."""
    tree = _tree(package / "__init__.py")
    said = as_markdown(ast.get_docstring(tree) or "")
    found = list(_imported(tree))
    if not found:
        return said
    names = "\n".join(f"- {_link(module, name)}" for module, name in found)
    return f"{said}\n\n`from {_name(package)} import …`\n\n{names}"


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """(module, name) of what a package hands on."""
    public = next((ast.literal_eval(node.value) for node in tree.body if _sets_all(node)), [])
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from ((node.module, alias.name) for alias in node.names if alias.name in public)


def _sets_all(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def _link(module: str, name: str) -> str:
    place = ROOT.joinpath(*module.split("."))
    if (place / name / "__init__.py").exists():
        said = ast.get_docstring(_tree(place / name / "__init__.py"))
        return f"[`{name}`]({name}.md): {_first_line(said)}"
    if place.is_dir():  # handed on by a package: look where it has it from
        handed_on = _imported(_tree(place / "__init__.py"))
        module = next((source for source, handed in handed_on if handed == name), module)
    said = _docstring(module, name)
    return f"[`{name}`][{module}.{name}]: {_first_line(said)}" if said else f"`{name}`"


def _docstring(module: str, name: str) -> str | None:
    """What a module's function or class of that name says; None where it is neither, or says nothing."""
    path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
    body = _tree(path).body if path.exists() else []
    defined = (
        node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == name
    )
    return next((ast.get_docstring(node) for node in defined), None)


def _first_line(docstring: str | None) -> str:
    paragraph = (docstring or "").split("\n\n")[0]
    return as_markdown(" ".join(paragraph.split()))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
