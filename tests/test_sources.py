"""A paper has one year, wherever it is named: its conference's or journal's, else arXiv's."""

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"\b((?:19|20)\d\d)\)?,?\s+(?:#\s+)?\[?arXiv:(\d{4}\.\d{5}|\d{4}\.\d{4})")


def years_of_papers(*texts):
    """arXiv id -> the years that stand in front of it."""
    years = defaultdict(set)
    for text in texts:
        for year, paper in NAMED.findall(text):
            years[paper].add(int(year))
    return years


def test_a_paper_has_the_same_year_everywhere():
    files = [*ROOT.glob("labkit/**/*.py"), *ROOT.glob("solutions/*.py"), ROOT / "README.md"]
    years = years_of_papers(*(path.read_text("utf-8") for path in files))
    assert len(years) > 20
    assert {paper: known for paper, known in years.items() if len(known) > 1} == {}
    # a paper is on arXiv in the year in which it is published, or up to two before
    assert {p: y for p, y in years.items() if not 0 <= min(y) - (2000 + int(p[:2])) <= 2} == {}


def test_a_year_is_found_in_every_way_of_writing_it():
    texts = ("A 2014, arXiv:1311.2901", "B (2015,\n# arXiv:1311.2901)", "C 2016, [arXiv:1311.2901](x)")
    assert years_of_papers(*texts)["1311.2901"] == {2014, 2015, 2016}
