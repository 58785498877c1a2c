"""Evaluation of classifiers on ImageNet-C and ImageNet-P.

- `calibration`: top-5 error, calibration and selective prediction, from the stored probabilities
- `class_order`: check on the first images that the order of a model's classes is that of the data
- `comparison`: comparison of models on their common images, with paired differences
- `counts`: counts per image: sufficient statistics of a metric and of its intervals
- `data/`: rows and batches of images that the models see
- `dataframe`: scores as a table with one number per row
- `devices`: devices, and the processes that a launcher started
- `evaluation`: `Evaluation`: results that write their files, tables and charts
- `fingerprint`: fingerprint of a function: its code, and the values that it can see
- `intervals`: confidence intervals of scores and of their differences
- `leaderboards`: results in the formats of timm and of RobustBench
- `models/`: classifiers, with one module per library, and their preprocessing
- `paper_tables`: tables to paste into a paper, a README or a spreadsheet
- `prediction_files`: files of predictions, one for each unit
- `prediction_plan`: an evaluation's finished predictions, and the units that are left when it is resumed
- `prediction_units`: a unit of an evaluation: a slice of the images for some cells, predicted by one process
- `predictions`: columns of a model's predictions, and examples of mistakes
- `preprocessors`: enhancements of an image before the model, such as ``--preprocess clahe``
- `probabilities`: class probabilities of a model's scores
- `references`: AlexNet's results and the published tables, and scores from means per config
- `report/`: charts and pages
- `results`: `Results`: scores, counts, intervals and examples, as data
- `results_json`: ``results.json``, written and read
- `run`: `evaluate_model` and `evaluate_models`, from models and data to evaluations
- `scoring`: the metrics of a model's predictions, which a report shows, and their counts per image
- `streams`: `stream`, images in a fixed order for models that adapt while they are tested
- `top5`: the five best classes of a model's logits
"""
