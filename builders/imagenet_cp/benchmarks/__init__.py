"""The data sets that this package generates: configs, columns, sizes and row generation."""
