"""The contracts of pyproject.toml hold, and each of them notices when somebody breaks it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("accounts", "jobs", "integrations", "customers", "segmentation", "predictions", "insights", "support", "quimbi")
BREACHES = [
    ("insides", "customers/money.py", "import segmentation.axes"),
    ("insides", "segmentation/reading.py", "import support.models"),
    ("root", "customers/views.py", "import quimbi.requests"),
    ("inside-knows-no-face", "customers/querysets.py", "import customers.views"),
    ("faces", "insights/views.py", "import customers.views"),
    ("maths", "segmentation/axes.py", "import django.conf"),
    ("maths", "segmentation/maths/history.py", "from segmentation import models"),
]


def lint(folder: Path, contract: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    if contract:
        command += ["--contract", contract]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The code alone, where a test may damage it."""
    folder = tmp_path_factory.mktemp("code")
    shutil.copy(ROOT / "pyproject.toml", folder)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "migrations"))
    return folder


def test_the_import_order_holds(copy):
    ended = lint(copy, "")
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize(("contract", "path", "breach"), BREACHES)
def test_a_breach_is_noticed(copy, contract, path, breach):
    file = copy / path
    before = file.read_text()
    file.write_text(f"{breach}\n{before}")
    try:
        ended = lint(copy, contract)
    finally:
        file.write_text(before)
    assert "BROKEN" in ended.stdout, ended.stdout + ended.stderr
    assert ended.returncode == 1
