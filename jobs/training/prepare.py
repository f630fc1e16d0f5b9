"""Splits the data set by time: the entry script of a SageMaker processing job. Prints the split as a line of JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from jobs.training import dataset


def main() -> int:
    parser = argparse.ArgumentParser(prog="prepare.py", allow_abbrev=False)
    for name in ("dataset", "train", "validation", "test"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    directories = vars(parser.parse_args())
    try:
        parts = dataset.split(dataset.read(directories["dataset"]))._asdict()
    except dataset.DatasetError as error:
        sys.stderr.write(f"prepare.py: {error}\n")
        return 1
    for name, rows in parts.items():
        dataset.write(rows, directories[name])
    split = {
        name: {"rows": len(rows), "cutoffs": [str(cutoff) for cutoff in sorted(set(rows[dataset.CUTOFF]))]}
        for name, rows in parts.items()
    }
    sys.stdout.write(json.dumps(split) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
