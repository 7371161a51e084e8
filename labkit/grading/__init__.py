"""From a folder of submissions to trusted scores."""
