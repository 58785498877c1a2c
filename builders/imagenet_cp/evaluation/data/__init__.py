"""Input of an evaluation: rows of a benchmark, and batches of their decoded images."""
