"""Decoding, encoding and resizing of images."""
