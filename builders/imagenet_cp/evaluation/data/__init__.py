"""Input of an evaluation: rows of a benchmark, and batches of their decoded images.

- `built_rows`: rows of a build, or of a data set on the Hub that was published from one
- `completeness`: check that a data set has all its files or rows
- `corrupted_rows`: rows of corrupted images that this package did not make
- `generated_rows`: rows generated on the fly from clean images
- `loader`: batches of images, resized to the inputs of the models and loaded ahead of them
- `rows`: `Rows`, base class of the three, and slices of them that any process can read
- `views`: a subset of the images of a build, or of its classes
"""
