"""The command ``imagenet-cp``."""

from .main import app, main

__all__ = ["app", "main"]
