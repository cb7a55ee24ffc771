"""The product's settings with the benchmark's extra address."""

from quimbi.settings import *  # noqa: F403

ROOT_URLCONF = "tests.bench.urls"
