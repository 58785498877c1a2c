"""Classifiers, each with the input that it was trained with; `evaluation.data.loader` resizes to it.

- `by_name`: `open_model`, which opens a model by its name
- `model`: `Model`, a function from images to logits with a name and a fingerprint
- `onnx`: models in ONNX files
- `outputs`: outputs of a model as the classes of a data set
- `pytorch`: `open_module`, which normalizes the images for any model of PyTorch
- `spec`: `ModelSpec`, a model that any process can open on its own device
- `timm`: models of timm, with the input of their configuration
- `torchvision`: models of torchvision, with the input of their weights
- `transformers`: models of transformers, with the input that their image processor is measured to give
"""
