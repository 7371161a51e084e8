"""From solutions/*.py, the one source, to both kinds of notebook."""
