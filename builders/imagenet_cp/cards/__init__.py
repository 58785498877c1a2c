"""Dataset cards, with their tables and image strips."""
