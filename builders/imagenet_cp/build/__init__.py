"""Builds: folders of Parquet files that can be resumed and verified."""
