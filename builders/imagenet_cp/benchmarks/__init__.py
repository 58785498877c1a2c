"""The data sets that this package generates: configs, columns, sizes and row generation.

- `benchmark`: `Benchmark`, their base class: configs, features, and `row`, which generates every row
- `catalog`: `BENCHMARKS`, all data sets by name
- `corruption`: ImageNet-C and ImageNet-C-bar, at every size
- `file_names`: names of the files of a data set
- `jpeg_quality`: the qualities of the stored JPEG files are decided here
- `names`: names of the data sets, which import nothing
- `perturbation`: ImageNet-P, at every size
- `recipe`: `Recipe`: codec and seed of a data set, its signature, and the random stream of every image
- `signature`: `Signature`: all settings that must agree for a comparison, as text
"""
