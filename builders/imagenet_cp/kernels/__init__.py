"""Compiled numerics, which know nothing of benchmarks."""
