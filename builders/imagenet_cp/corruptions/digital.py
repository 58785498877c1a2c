"""The digital corruptions."""
