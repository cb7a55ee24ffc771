"""`python -m tests.bench.process MODULE:FUNCTION [ARGUMENT …]`: one function under Django, its seconds and peak memory."""

import importlib
import json
import os
import resource
import sys
import time


def main() -> None:
    """Print one line of JSON."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "quimbi.settings"
    import django

    django.setup()
    # A worker has its libraries loaded when a job comes; the clock starts after that.
    for library in (
        "segmentation.runs",
        "sklearn.cluster",
        "sklearn.ensemble",
        "pandas",
        "customers.importing.running",
        "predictions.runs",
    ):
        importlib.import_module(library)
    module, _, name = sys.argv[1].partition(":")
    work = getattr(importlib.import_module(module), name)
    begun = time.perf_counter()
    work(*sys.argv[2:])
    seconds = time.perf_counter() - begun
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak_mb}))


if __name__ == "__main__":
    main()
