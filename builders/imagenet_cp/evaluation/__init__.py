"""A model on ImageNet-C and ImageNet-P: its predictions, scores and report."""
