"""ImageNet-C and ImageNet-P as deterministic Hugging Face datasets, with the metrics mCE, mFR and mT5D."""

__version__ = "0.1.0.dev0"
