"""Quimbi's settings for the tests: the product's own, with every file, queue and database in a folder that is thrown away.

pytest reads this before any conftest, once in each of its processes. What it puts into the environment is inherited by the
processes that tests start, so a worker that a test starts finds the same folder and the same queue.
"""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

IS_PYTEST = "pytest" in sys.modules
XDIST_WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")

if IS_PYTEST:
    if "QUIMBI_TEST_FOLDER" not in os.environ:
        os.environ["QUIMBI_TEST_FOLDER"] = tempfile.mkdtemp(prefix="quimbi-tests-")
        atexit.register(shutil.rmtree, os.environ["QUIMBI_TEST_FOLDER"], ignore_errors=True)
    os.environ["QUIMBI_VAR"] = str(Path(os.environ["QUIMBI_TEST_FOLDER"]) / (XDIST_WORKER or "main"))
    if os.environ.get("REDIS_URL") and XDIST_WORKER:
        # A Redis database for each process, so that no worker takes another's messages.
        redis = urlsplit(os.environ.get("QUIMBI_TEST_REDIS", os.environ["REDIS_URL"]))
        os.environ["QUIMBI_TEST_REDIS"] = redis.geturl()
        database = int(redis.path.strip("/") or 0) + 1 + int(XDIST_WORKER.removeprefix("gw"))
        os.environ["REDIS_URL"] = redis._replace(path=f"/{database}").geturl()

from quimbi.settings import *  # noqa: E402, F403
from quimbi.settings import DATABASES, SQLITE_OPTIONS, VAR  # noqa: E402

if IS_PYTEST and DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file and not memory: the site of a browser test and the worker of a job test open it beside the test itself.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR / "test.sqlite3")}
    DATABASES["default"]["OPTIONS"] = {
        **SQLITE_OPTIONS,
        "init_command": SQLITE_OPTIONS["init_command"].replace("synchronous=NORMAL", "synchronous=OFF"),
    }

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# Look a static file up when it is asked for: every test's client starts the middleware anew, and reading all files took longer
# than most of what is tested.
WHITENOISE_AUTOREFRESH = True
