"""Reports: charts and HTML pages of one evaluation or of several."""
