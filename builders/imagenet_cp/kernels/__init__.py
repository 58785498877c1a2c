"""Compiled numerics: random draws, filters, warps and codecs on arrays, without knowledge of any benchmark."""
