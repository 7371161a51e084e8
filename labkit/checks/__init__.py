"""The machinery of checks: what an exercise is, running answers, judging them, and what to say."""
