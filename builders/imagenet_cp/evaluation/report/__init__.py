"""Reports: tables, charts and HTML pages of one evaluation or of several."""
