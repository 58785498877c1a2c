"""The data sets this package makes: configs, columns, sizes and the generation of rows."""
