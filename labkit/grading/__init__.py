"""From a folder of submissions to trusted scores: collect, assemble, execute, judge, report."""
