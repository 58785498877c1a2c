"""The weather corruptions."""
