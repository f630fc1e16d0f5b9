"""Makes the data set and splits it by time: the entry script of a SageMaker processing job.

Prints the split as a line of JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from jobs.training import dataset, point_in_time


def main() -> int:
    parser = argparse.ArgumentParser(prog="prepare.py", allow_abbrev=False)
    parser.add_argument("--features-table", required=True, help="the offline feature store: database.table")
    parser.add_argument("--labels-table", required=True, help="database.table")
    parser.add_argument("--workgroup", required=True, help="where Athena runs the query")
    parser.add_argument("--unload-to", required=True, help="a place in S3, for a new folder")
    for name in dataset.Split._fields:
        parser.add_argument(f"--{name}", type=Path, required=True, help="the directory for this part")
    arguments = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as directory:
            sql = point_in_time.query(arguments.features_table, arguments.labels_table)
            point_in_time.unload(sql, arguments.unload_to, workgroup=arguments.workgroup, directory=Path(directory))
            parts = dataset.split(dataset.read(Path(directory)))._asdict()
    except (dataset.DatasetError, point_in_time.QueryError) as error:
        sys.stderr.write(f"prepare.py: {error}\n")
        return 1
    for name, rows in parts.items():
        dataset.write(rows, getattr(arguments, name))
    split = {
        name: {"rows": len(rows), "cutoffs": [str(cutoff) for cutoff in sorted(set(rows[dataset.CUTOFF]))]}
        for name, rows in parts.items()
    }
    sys.stdout.write(json.dumps(split) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
