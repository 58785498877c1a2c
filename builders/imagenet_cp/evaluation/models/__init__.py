"""Classifiers, one module per library."""
