"""Evaluation of classifiers on ImageNet-C and ImageNet-P."""
