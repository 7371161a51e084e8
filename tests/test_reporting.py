"""What comes of grading for people: pages, tables, exports. Whatever students are called and have written."""

import csv
import html
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from browser import page as browser_page
from rich.console import Console

from labkit.checks.answer import State
from labkit.exercises import exercises, find, stages
from labkit.grading.records import Mark, Outcome, Result, Row, Student
from labkit.grading.reporting import table, write_reports
from labkit.grading.reporting.anonymous import example, without_words
from labkit.grading.reporting.class_page import class_page
from labkit.grading.reporting.classes import common_mistakes, percent, summaries, to_teach_again
from labkit.grading.reporting.feedback import MOST_BYTES, feedback
from labkit.grading.reporting.looks import LOOKS, number, time
from labkit.grading.reporting.spread import histogram, spread
from labkit.grading.reporting.text import one_line, shown

HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "javascript:alert(1)",
    "evil\u202egnp.exe",
    "nul\x00bell\x07escape\x1b[31m",
    "half\ud800pair",
    "z" + "\u0301" * 500,
    "{{ 7 * 7 }}{% raise %}",
    "line\nbreak\r\nand\u2028more",
    "=HYPERLINK(1)",
    "bob [late]",
    "x" * 5_000,
    "\ufffe\U000e0041\x85",
)
FIGURE = (  # a green picture, 120 by 60
    "UklGRlQAAABXRUJQVlA4IEgAAACwBACdASp4ADwAPm02mUmkIyKhIQgAgA2JaQB2AAARaiVea2vp06dOnTp06b4AAP7eEn/U+/gu//xvN5rV3N1iUgEAAAAAAAA="
)
CODE = "def f(x):\n    # a remark\n    return x < 1"
FACTS = {"title": "Seeing", "isolation": "bubblewrap"}


def outcome(exercise_id="05.2", state=State.PASSED, **more):
    return Outcome(exercise_id, state, **{"code": CODE, **more})


PASSED = outcome()


def row(key="ada", outcomes=(PASSED,), *, name="", ids=(), why="", notes=(), private=(), **of_result):
    """A student's row, with full points for what passed; a result for each stage that there are outcomes of."""
    marks = [
        Mark(o, find(o.exercise).points if o.state == State.PASSED else 0, find(o.exercise).points, why)
        for o in outcomes
    ]
    facts = {"file": f"{key}.ipynb", "sha256": "0", "private_notes": tuple(private), **of_result}
    results = [
        Result(key, stage, outcomes=tuple(o for o in outcomes if o.exercise.startswith(stage)), **facts)
        for stage in sorted({o.exercise[:2] for o in outcomes})
    ]
    points, of = sum(mark.points for mark in marks), sum(mark.of for mark in marks)
    return Row(
        Student(key, name, ids), tuple(marks), tuple(results), points, of, tuple(notes), tuple(private)
    )


def absent(key="eve"):
    nothing = outcome(state=State.NOT_ATTEMPTED, message="no notebook was handed in", code="")
    return Row(Student(key), (Mark(nothing, 0, 1),), (), 0, 1, ("no notebook was handed in",))


def hostile(text, key="eve"):
    """A row in which every field that a submission can reach says this."""
    outcomes = [
        outcome("05.1", State.CRASHED, message=text, code=text, lesson=text, mistake=text, flags=(text,)),
        outcome("05.2", State.WRONG, message=text, code=f"'''{text}'''", lesson=text, mistake=text),
        outcome("05.3", State.TO_BE_LOOKED_AT, message=text, code=text),
    ]
    more = {"file": text, "when": text, "flags": (text,)}
    return row(key + text, outcomes, name=text, ids=(("email", text),), why=text, notes=(text,), **more)


def a_class(count):
    """All states, mistakes, flags and late work, over every exercise."""
    states, ids = [*State], [e.id for stage in stages() for e in exercises(stage)]
    rows = []
    for k in range(count - 1):
        outcomes = []
        for j, exercise_id in enumerate(ids):
            state = State.PASSED if (k * 7 + j * 3) % 5 else states[(k + j) % len(states)]
            mistake = find(exercise_id).mistakes[k % 2]
            told = {"mistake": mistake.name, "lesson": mistake.lesson} if state == State.WRONG else {}
            if state != State.PASSED and k % 3:
                told |= {"figure": FIGURE, "figure_shows": "Three rows of filters" * (k % 2)}
            flags = ("uses something of the lab",) if (k, j) in ((1, 1), (3, 30)) else ()
            outcomes.append(
                outcome(
                    exercise_id, state, message="expected 1, got 2", flags=flags, code=f"{CODE} + {k}", **told
                )
            )
        rows.append(
            row(f"s{k:03d}", outcomes, name=f"Student {k}", late=k % 9 == 0, why="late" * (k % 9 == 0))
        )
    return [*rows, absent()]


class Tags(HTMLParser):
    """The tags of a page, and the text outside of style and script."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self._open = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self._open = tag
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        if self._open not in ("style", "script"):
            self.words.append(data)

    @property
    def text(self):
        return "".join(self.words)


def read_csv(path):
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"), newline="")))


def test_a_run_gets_scores_a_class_page_a_page_for_each_student_and_exports(tmp_path):
    rows = a_class(5)
    write_reports(rows, tmp_path, **FACTS)
    found = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    pages = {f"feedback/{row.student.slug}.html" for row in rows}
    exports = {f"exports/{name}.csv" for name in ("canvas", "moodle", "gradescope", "nbgrader")}
    assert found == {"scores.csv", "class.html"} | pages | exports
    for page in pages:
        assert f'href="{page}"' in (tmp_path / "class.html").read_text()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    write_reports(rows, tmp_path, **FACTS)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}


def test_no_rows_and_no_exercises_make_reports_too(tmp_path):
    write_reports([], tmp_path / "none", **FACTS)
    write_reports([Row(Student("ada"), (), (), 0, 0)], tmp_path / "bare", **FACTS)
    assert len(read_csv(tmp_path / "bare" / "scores.csv")) == 2


# feedback


def test_feedback_says_verdict_points_lesson_message_and_code():
    outcomes = [
        outcome("05.1"),
        outcome(
            "05.2", State.WRONG, message="expected 3, got 4", mistake="sign kept", lesson="take the size"
        ),
    ]
    page = feedback(
        row("ada", outcomes, name="Ada Lovelace", late=True, when="2026-11-24T23:59:00+01:00"), **FACTS
    )
    text = Tags(page).text
    for words in ("Ada Lovelace", "2 of 3", "✓ passed", "✗ wrong", "expected 3, got 4", "take the size", "(late)",
                  "24 November 2026, 23:59 (UTC+01:00)", find("05.2").title, "return x < 1"):  # fmt: skip
        assert words in text
    assert "bubblewrap" in text


@pytest.mark.parametrize("state", State)
def test_each_state_is_said_in_words_and_by_a_mark_of_its_own(state):
    text = Tags(feedback(row(outcomes=[outcome(state=state)]), **FACTS)).text
    assert f"{LOOKS[state].mark} {state}" in text
    assert (
        len({look.mark for look in LOOKS.values()})
        == len({look.plain for look in LOOKS.values()})
        == len(State)
    )


def test_feedback_gives_the_reason_of_changed_points_and_the_notes():
    text = Tags(
        feedback(row(why="the question was unclear", notes=("the last of 3 attempts",)), **FACTS)
    ).text
    assert "the question was unclear" in text
    assert "the last of 3 attempts" in text


def test_flags_and_a_judges_own_trouble_are_for_the_instructor_alone():
    found = outcome(
        state=State.TO_BE_LOOKED_AT, message="KeyError in judge.py", flags=("the same code as bob",)
    )
    here = row(outcomes=[found], flags=("left a process running",))
    student, class_ = feedback(here, **FACTS), class_page([here], facts={}, **FACTS)
    for words in ("KeyError in judge.py", "the same code as bob", "left a process running"):
        assert words not in student
        assert words in class_


def test_private_notes_reach_the_instructor_and_no_page_or_table_that_a_student_sees(tmp_path):
    said = "not in the roster; the nearest there is Adele"
    here = row(private=(said,), notes=("05.ipynb counts",), ids=(("moodle", "7"),))
    write_reports([here], tmp_path, title="Seeing", isolation="bubblewrap")
    shows = {
        file.name: said in html.unescape(file.read_text("utf-8"))
        for file in tmp_path.rglob("*")
        if file.is_file()
    }
    assert {name for name, holds in shows.items() if holds} == {"scores.csv", "class.html"}
    assert "05.ipynb counts" in (tmp_path / "exports" / "moodle.csv").read_text("utf-8")
    console = Console(width=200, file=io.StringIO())
    console.print(table([here]))
    assert said in console.file.getvalue()


def test_a_students_page_names_the_file_and_not_where_it_lay_on_the_instructors_disk():
    page = feedback(row(file="/home/prof/secret class.zip/ada/05-2.ipynb"), **FACTS)
    assert "05-2.ipynb" in page
    assert "secret class" not in page


def test_of_a_crash_the_end_is_kept_and_of_any_other_message_the_beginning():
    message = "first " + "middle " * 2_000 + "last"
    crash = feedback(row(outcomes=[outcome(state=State.CRASHED, message=message)]), **FACTS)
    wrong = feedback(row(outcomes=[outcome(state=State.WRONG, message=message)]), **FACTS)
    assert "middle last" in crash
    assert "first middle" not in crash
    assert "first middle" in wrong
    assert "middle last" not in wrong
    assert "more characters" in crash


@pytest.mark.parametrize("letter", ["x", "<", "&", "'", "ⵣ", "\ud800", "\u202e", "x = (1,\n", "# \n", "\n"])
def test_feedback_is_never_larger_than_a_megabyte(letter):
    much = letter * (60_000 // len(letter))
    outcomes = [
        outcome(e.id, State.WRONG, code=much, message=much, lesson=much, mistake=much)
        for stage in stages()
        for e in exercises(stage)
    ]
    page = feedback(row("a", outcomes, name=much, file=much, why=much, notes=[much] * 500), **FACTS)
    assert len(page.encode(errors="replace")) <= MOST_BYTES
    assert page.rstrip().endswith("</html>")


# whatever is in it


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_pages_hold_nothing_of_a_submission_but_text(text, tmp_path):
    plain, odd = hostile("plain"), hostile(text)
    write_reports([odd], tmp_path, title=text, isolation="bubblewrap", facts={"Graded": text})
    for page, expected in (
        ((tmp_path / "class.html"), class_page([plain], facts={"Graded": "plain"}, **FACTS)),
        ((tmp_path / "feedback" / f"{odd.student.slug}.html"), feedback(plain, **FACTS)),
    ):
        made = page.read_text(encoding="utf-8")
        tags = [tag for tag, _ in Tags(made).tags if tag not in ("span", "p", "li", "td", "tr", "details")]
        usual = {tag for tag, _ in Tags(expected).tags} | {"details", "summary", "pre", "code"}
        assert set(tags) <= usual
        assert tags.count("script") == [tag for tag, _ in Tags(expected).tags].count("script")
        assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe]", made)
        for _, attributes in Tags(made).tags:
            assert not any(name.startswith("on") or name in ("src", "style") for name in attributes)
            assert re.fullmatch(
                r"(feedback/[\w.-]+\.html|scores\.csv|exports/|#[\w-]+)?", attributes.get("href", "")
            )


def test_pages_allow_no_request_and_no_script_but_their_own():
    for made in (class_page(a_class(3), facts={}, **FACTS), feedback(row(), **FACTS)):
        policy = next(
            a["content"] for t, a in Tags(made).tags if a.get("http-equiv") == "Content-Security-Policy"
        )
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "://" not in made.replace("http://www.w3.org", "")


def test_text_is_made_visible_and_short():
    assert shown("a\u202eb\x00c\x7f\ud800") == "a⟨U+202E⟩b␀c⟨U+007F⟩\ufffd"
    assert shown("a\r\nb\rc\u2028d\te") == "a\nb\nc\nd\te"
    assert shown("x" * 10, 4) == "xxxx\n… 6 more characters"
    assert shown("x" * 9 + "end", 3, end=True) == "… 9 more characters\nend"
    assert one_line(" a \n b ") == "a b"
    for name in ("Zoë", "नेहा शर्मा", "محمد", "می‌خواهم", "Nguyễn", "👩‍🔬", "สมชาย"):
        assert shown(name) == name
    assert len(shown("z" + "\u0301" * 500)) < 12


def test_numbers_and_times_are_as_people_write_them():
    assert [number(x) for x in (3.0, 2.5, 1 / 3, 0, -0.0, 1234567.0)] == [
        "3",
        "2.5",
        "0.33",
        "0",
        "0",
        "1234567",
    ]
    assert time("2026-11-05T07:08:09") == "5 November 2026, 07:08"
    assert time("yesterday") == "yesterday"
    assert [percent(x) for x in (0, 0.001, 0.5, 0.999, 1)] == ["0 %", "1 %", "50 %", "99 %", "100 %"]


# the class


def test_the_class_page_counts_what_the_class_did():
    wrong = {"state": State.WRONG, "mistake": "sign kept", "lesson": "take the size"}
    rows = [row(f"s{k}", [outcome(**wrong, code=f"def f(x): return x + {k}")]) for k in range(3)]
    rows += [row("t"), row("u", [outcome(state=State.CRASHED)]), absent()]
    (summary,) = summaries(rows)
    assert (summary.passed, len(summary.asked), summary.share) == (1, 5, 0.2)
    assert (summary.lesson, summary.told) == ("take the size", 3)
    assert to_teach_again([summary]) == [summary]
    (mistake,) = common_mistakes(rows)
    assert (mistake.name, len(mistake.codes), mistake.of) == ("sign kept", 3, 5)
    text = Tags(class_page(rows, facts={}, **FACTS)).text
    for words in (
        "1 of 5 passed (20 %)",
        "Told 3 of them:",
        "3 of 5 students",
        "return x + 1",
        "take the size",
    ):
        assert words in text


def test_the_spread_is_of_those_who_handed_something_in():
    rows = [row("a"), row("b", [outcome(state=State.WRONG)]), row("c"), absent()]
    assert histogram(rows) == [1, 0, 0, 0, 0, 0, 0, 0, 0, 2]
    assert spread(rows).median == 1
    assert spread(rows).passed == 67
    assert "3 students who handed something in, of 4" in spread(rows).sentence
    assert "Nobody" in spread([absent()]).sentence


def test_an_example_has_neither_comments_nor_its_authors_name():
    assert without_words(CODE + ' # more\n"""text"""') == "def f(x):\n    return x < 1"
    assert without_words('def f():\n    """Only a text."""') == "def f():\n    pass"
    codes = [
        (row("ada", name="Grace Hopper"), "grace_sum = 1"),
        (row("ada"), "return no python"),
        (row("bob"), "x=2"),
    ]
    assert example(codes) == "x = 2"
    assert example(codes[:2]) == ""
    assert example([(row("a", ids=(("email", "kim.lee@uni.example"),)), "lee = uni")]) == ""


def test_who_has_not_handed_in_and_what_is_to_be_looked_at_is_said():
    lacking = replace(row("bob", [outcome("05.1"), outcome("06.1", State.NOT_ATTEMPTED)]), results=())
    partly = replace(lacking, results=row("bob", [outcome("05.1")]).results)
    looked = row("kim", [outcome(state=State.UNREADABLE, message="no notebook but a picture")])
    made = class_page([partly, looked, absent("eve")], facts={}, **FACTS)
    text = " ".join(Tags(made).text.split())
    assert "Nothing at all eve Not all notebooks bob: without 06" in text
    assert "no notebook but a picture" in text


def test_grading_without_a_sandbox_is_said_on_every_page():
    for isolation in ("limits only", ""):
        assert "without a sandbox" in class_page([row()], title="t", isolation=isolation, facts={})
        assert "without a sandbox" in feedback(row(), title="t", isolation=isolation)
    assert "without a sandbox" not in class_page([row()], facts={}, **FACTS)


# tables


def test_scores_have_a_column_for_each_exercise_and_say_why(tmp_path):
    wrong = outcome("05.2", State.WRONG, mistake="sign kept", flags=("looks odd",))
    here = row(
        "ada", [outcome("05.1"), wrong], name="Ada", notes=("05 was late",), late=True, flags=("hung",)
    )
    write_reports([here, absent()], tmp_path, **FACTS)
    head, ada, eve = read_csv(tmp_path / "scores.csv")
    assert head == ["key", "name", "05.1", "05.2", "points", "of", "late", "notes", "flags"]
    assert ada == [
        "ada",
        "Ada",
        "passed",
        "wrong: sign kept",
        "2",
        "3",
        "05",
        "05 was late",
        "05: hung; 05.2: looks odd",
    ]
    assert eve == ["eve", "", "", "not attempted", "0", "1", "", "no notebook was handed in", ""]
    assert (tmp_path / "scores.csv").read_bytes().startswith(b"\xef\xbb\xbfkey,")


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "a;=1", "a\n=1", "＝1", "x; @y", "\x00=1"]
)
def test_no_cell_of_any_table_is_a_formula(text, tmp_path):
    ids = tuple((kind, text) for kind in ("canvas", "moodle", "email", "login", "sid"))
    write_reports(
        [replace(hostile(text), student=Student(text, text, ids))], tmp_path, title=text, isolation=""
    )
    for path in tmp_path.rglob("*.csv"):
        for cell in (cell for line in read_csv(path) for cell in line):
            assert "\n" not in cell
            for part in cell.split(";"):
                assert not re.match(r"\s*[=+\-@＝]", part) or re.fullmatch(r"-?[\d.]*", cell), (path, cell)


IDS = (("canvas", "1234"), ("moodle", "5678"), ("email", "ada@uni.example"), ("login", "al1"), ("sid", "99"))


def exported(tmp_path, name):
    late = outcome("05.2", State.WRONG)
    here = row(
        "ada", [outcome("05.1"), late], name="Lovelace, Ada", ids=IDS, why="late", when="2026-11-24T10:00:00"
    )
    write_reports([here, absent("kai")], tmp_path, **FACTS)
    return read_csv(tmp_path / "exports" / name)


def test_canvas_finds_students_by_its_own_id_and_what_they_can_reach(tmp_path):
    head, possible, ada, kai = exported(tmp_path, "canvas.csv")
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Seeing"]
    assert possible == ["Points Possible", "", "", "", "", "3"]
    assert ada == ["Lovelace, Ada", "1234", "", "al1", "", "2"]
    assert kai == ["kai", "", "", "", "", "0"]
    assert not (tmp_path / "exports" / "canvas.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_moodle_gets_those_whose_participant_number_is_known(tmp_path):
    head, ada = exported(tmp_path, "moodle.csv")
    assert {"Identifier", "Grade", "Last modified (grade)", "Feedback comments"} <= set(head)
    told = dict(zip(head, ada, strict=True))
    assert told["Identifier"] == "Participant 5678"
    assert (told["Grade"], told["Maximum grade"], told["Feedback comments"]) == ("2.00", "3.00", "late")


def test_gradescope_and_nbgrader_have_their_own_columns(tmp_path):
    head, ada, kai = exported(tmp_path, "gradescope.csv")
    told = dict(zip(head, ada, strict=True))
    assert (told["SID"], told["Total Score"], told["Max Points"], told["Status"]) == (
        "99",
        "2",
        "3",
        "Graded",
    )
    assert told[f"05.1: {find('05.1').title} (2 pts)"] == "2"
    assert dict(zip(head, kai, strict=True))["Status"] == "Missing"
    head, ada, kai = exported(tmp_path, "nbgrader.csv")
    assert " ".join(head) == (
        "assignment duedate timestamp student_id last_name first_name email raw_score late_submission_penalty "
        "score max_score"
    )
    assert ada[:7] == ["05", "", "2026-11-24T10:00:00", "ada", "Lovelace", "Ada", "ada@uni.example"]
    assert ada[7:] == ["2.0", "0.0", "2.0", "3.0"]
    assert kai[9] == "0.0"


# terminal


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii", "cp437"])
def test_the_table_prints_on_any_console_and_reads_without_colour(encoding):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    rows = [
        row("bob [late]"),
        row("[/red]"),
        *a_class(3),
        *(hostile(text) for text in HOSTILE),
        row("山田 太郎"),
    ]
    Console(file=out, width=200, color_system=None).print(table(rows))
    out.flush()
    text = out.buffer.getvalue().decode(encoding)
    assert "bob [late]" in text
    assert "[/red]" in text
    assert "\x1b" not in text
    for state, look in LOOKS.items():
        assert f"{look.mark} {state}" in text or f"{look.plain} {state}" in text


@pytest.mark.parametrize("width", [80, 100, 130])
def test_names_marks_and_points_are_there_however_narrow_the_terminal_is(width):
    out = io.StringIO()
    Console(file=out, width=width, color_system=None).print(table(a_class(3)))
    line = next(line for line in out.getvalue().splitlines() if line.lstrip().startswith("Stude"))
    assert "Student 0" in line or width < 100  # there the name goes on in the next line
    marks = sum(line.count(look.mark) for look in LOOKS.values())
    assert marks >= sum(len(exercises(stage)) for stage in stages())
    assert f"/{sum(exercise.points for stage in stages() for exercise in exercises(stage))}" in line
    assert "…" not in out.getvalue()
    assert ("no notebook was handed in" in out.getvalue()) == (width >= 130)


def test_a_note_that_is_cut_says_so_by_three_dots():
    for width, end in ((90, "..."), (400, "of it")):
        out = io.StringIO()
        rows = [row("Ada", notes=("a long note " * 9 + "of it",))]
        Console(file=out, width=width, color_system=None).print(table(rows))
        (line,) = [line.rstrip() for line in out.getvalue().splitlines() if "a long note" in line]
        assert line.endswith(end)


# in a browser


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reports")
    rows = [*a_class(24), *(hostile(text, f"h{k}") for k, text in enumerate(HOSTILE))]
    write_reports(rows, folder, title="Seeing with networks", isolation="limits only")
    return folder


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["class.html", "feedback/s001.html"])
def test_axe_finds_nothing_that_keeps_people_from_reading(reports, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    with browser_page() as page:
        page.emulate_media(color_scheme=scheme)
        page.goto((reports / name).as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
        found = Axe().run(page)
    assert [violation["id"] for violation in found.response["violations"]] == [], found.generate_report()
    assert len(found.response["passes"]) > 20


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1280])
def test_pages_ask_for_nothing_run_nothing_foreign_and_fit_their_window(reports, width):
    with browser_page(width) as page:
        asked, said = [], []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        for path in sorted([reports / "class.html", *(reports / "feedback").iterdir()]):
            page.goto(path.as_uri())
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
    assert all(url.startswith("file:") and url.endswith(".html") for url in asked)
    assert said == []


@pytest.mark.browser
def test_the_marks_are_sorted_filtered_and_lead_to_the_feedback(reports):
    with browser_page() as page:
        page.goto((reports / "class.html").as_uri())
        names = page.locator("#table tbody tr:visible th")
        count = names.count()
        page.locator("#words").fill("student 1")
        assert 0 < names.count() < count
        assert page.locator("#count").inner_text() == f"{names.count()} of {count} students"
        page.locator("#words").fill("")
        page.locator("#kind").select_option("late")
        assert 0 < names.count() < count
        page.locator("#kind").select_option("")
        page.get_by_role("button", name="Points").press("Enter")
        points = [float(text) for text in page.locator("#table tbody td.figure").all_inner_texts()]
        assert points == sorted(points, reverse=True)
        assert page.locator("th[aria-sort]").inner_text() == "Points"
        page.locator("#table tbody tr").first.locator("td").nth(3).click()
        page.wait_for_url(re.compile(r"/feedback/[\w.-]+\.html#e00-3$"))
        assert page.locator("#e00-3").is_visible()


@pytest.mark.browser
def test_a_printed_page_is_light_and_whole(reports):
    with browser_page() as page:
        page.emulate_media(media="print", color_scheme="dark")
        page.goto((reports / "class.html").as_uri())
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.locator(".marks").evaluate("e => e.scrollHeight <= e.clientHeight + 1")


def test_pages_need_no_script_to_be_read():
    made = class_page(a_class(4), facts={}, **FACTS)
    without = re.sub(r"<script>.*?</script>", "", made, flags=re.S)
    assert '<form id="filter" hidden>' in without
    for words in ("Student 1", "passed", "expected 1, got 2"):
        assert words in html.unescape(without)
