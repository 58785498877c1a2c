"""The noise corruptions."""
