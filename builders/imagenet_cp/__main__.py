"""Entry of ``python -m imagenet_cp``."""

from .cli import main

if __name__ == "__main__":
    main()
