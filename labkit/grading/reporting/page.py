"""Pages that need nothing but themselves: styles and scripts inside, and a policy that lets nothing else run."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from labkit.checks.answer import State
from labkit.grading.reporting.classes import anchor, percent, title_of
from labkit.grading.reporting.looks import LOOKS, number, time
from labkit.grading.reporting.text import MESSAGE, one_line, shown

_TEMPLATES = Environment(
    loader=PackageLoader("labkit.grading.reporting", "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {"anchor": anchor, "title_of": title_of, "percent": percent, "S": State, "looks": LOOKS}
_TEMPLATES.filters |= {"shown": shown, "line": one_line, "number": number, "time": time}


def render(template: str, **values: object) -> str:
    """A page as text. Whatever comes from a submission is escaped; values are fit to be seen by the filter `shown`."""
    style, script = _part("style.css"), _part("class.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    page = _TEMPLATES.get_template(template)
    return page.render(values, policy=policy, style=Markup(style), script=Markup(script), most=MESSAGE)


def _part(name: str) -> str:
    """A style or a script of ours, as it stands between its tags."""
    return files("labkit.grading.reporting").joinpath("templates", name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
