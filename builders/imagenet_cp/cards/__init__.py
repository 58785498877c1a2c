"""Dataset cards and the tables and image strips in them."""
