"""Predictions of an evaluation by config, from the files of its units."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq


def predictions(out):
    """Finished predictions by data set and config, such as ``imagenet_c/fog_3``, in the order of the images."""
    found = {}
    for path in sorted(out.glob("predictions/*/[!.]*")):
        table = pq.read_table(path)
        for config in dict.fromkeys(table["config"].to_pylist()):
            rows = table.filter(pc.equal(table["config"], config)).drop_columns(["config"])
            key = f"{path.parent.name}/{config}"
            found[key] = pa.concat_tables([*filter(None, [found.get(key)]), rows]).combine_chunks()
    return dict(sorted(found.items()))
