"""Reports: charts and HTML pages, whose text and layout are in `templates/`; they show numbers and compute none.

- `chart_rendering`: charts as files, and as SVG elements of a page
- `charts`: the charts, drawn with Matplotlib
- `comparison_page`: the page of a comparison
- `formatting`: numbers and names as text
- `model_page`: the report of one model
- `page`: common parts of both pages
- `scatter`: the chart of clean error and mCE among the published models
- `style`: colors, markers and letters
"""
