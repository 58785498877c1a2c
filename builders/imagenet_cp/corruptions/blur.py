"""The blur corruptions."""
