"""Compiled numerics, which know no benchmark."""
