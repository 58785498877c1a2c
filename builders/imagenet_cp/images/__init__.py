"""Decoding, resizing and encoding of images and videos."""
