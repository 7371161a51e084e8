"""The commands of `labkit`, one module each."""
