"""Classifiers: `by_name.open_model` opens one by its name, with one module per library."""
