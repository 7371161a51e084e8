"""The tools of the benchmarks: ratios, and sections of RESULTS.md that keep each other."""

import importlib.util
from pathlib import Path

import pytest

PLACE = Path(__file__).parent.parent / "benchmarks" / "timing.py"


@pytest.fixture
def timing():
    spec = importlib.util.spec_from_file_location("timing", PLACE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_ways_run_in_turn_and_the_first_round_does_not_count(timing):
    ran = []
    found = timing.in_turn({"a": lambda: ran.append("a"), "b": lambda: ran.append("b")}, rounds=3)
    assert ran == ["a", "b"] * 4
    assert [len(times) for times in found.values()] == [3, 3]


def test_a_ratio_is_the_median_of_the_rounds_with_its_middle_half(timing):
    found = timing.ratio([2.0, 4.0, 9.0, 100.0, 5.0], [1.0, 1.0, 1.0, 1.0, 1.0], parts=2)
    assert found == (2.5, 2.0, 4.5)
    assert str(found) == "2.50 (2.00–4.50)"


def test_a_section_is_written_in_place_of_its_older_self_and_others_stay(timing, tmp_path, monkeypatch):
    monkeypatch.setattr(timing, "RESULTS", tmp_path / "RESULTS.md")
    timing.write_section("One", "first\n\n### inside\n\nmore")
    timing.write_section("Two", "second")
    timing.write_section("One", "first again")
    assert (
        tmp_path / "RESULTS.md"
    ).read_text() == "# Measured\n\n## One\n\nfirst again\n\n## Two\n\nsecond\n"


def test_a_table_has_a_line_for_each_row(timing):
    assert timing.table(["a", "b"], [["1", "22"]]) == "| a | b  |\n| - | -- |\n| 1 | 22 |"
    assert "cores" in timing.machine()
