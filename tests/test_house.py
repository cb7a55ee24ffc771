"""The repository itself: what may lie in it, and what starting it costs."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {".png", ".jpg", ".webp", ".ico", ".gz", ".woff2"}
LOCKS = {"requirements.lock", "package-lock.json"}


def tracked_files() -> list[Path]:
    """What is in the repository, or what would be; nothing else that lies about here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout: nobody knows which files are the repository's")
    paths = [ROOT / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    return [path for path in paths if path.is_file()]


def texts() -> list[tuple[str, str]]:
    """(path, contents) of every text file."""
    return [(str(p.relative_to(ROOT)), p.read_text("utf-8")) for p in tracked_files() if p.suffix not in PICTURES]


def places_of(pattern: str, *, only: str = "", but: tuple[str, ...] = ()) -> list[str]:
    """'path:line: match' wherever `pattern` is found, in files whose path matches `only`, leaving out the paths in `but`."""
    found = []
    for path, text in texts():
        if path in but or not re.search(only, path):
            continue
        found += [f"{path}:{text[: m.start()].count(chr(10)) + 1}: {m.group()[:80]}" for m in re.finditer(pattern, text)]
    return found


def run_python(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `code` in a process that knows nothing but PATH and what is given."""
    bare = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=bare, capture_output=True, text=True, check=False)


def test_text_files_are_utf_8_with_unix_lines_and_end_with_one():
    wrong = []
    for path in tracked_files():
        content = path.read_bytes()
        if path.suffix in PICTURES or not content:
            continue
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            wrong.append(f"{path.name}: not UTF-8")
        if b"\r" in content and "samples" not in path.parts and "payloads" not in path.parts:
            wrong.append(f"{path.name}: carriage returns")
        if not content.endswith(b"\n"):
            wrong.append(f"{path.name}: no newline at the end")
    assert wrong == []


def test_no_file_names_a_package_registry():
    registries = (
        "py" + "pi.org",
        "python" + "hosted.org",
        "npm" + "js.org",
        "npm" + "js.com",
        "yarn" + "pkg.com",
        "proxy.golang" + ".org",
    )
    assert places_of("|".join(map(re.escape, registries))) == []


def test_lock_files_hold_hashes_and_no_address():
    python = (ROOT / "requirements.lock").read_text()
    assert "://" not in python
    pinned = re.findall(r"^[a-z0-9][^\s]*==", python, re.MULTILINE)
    assert len(pinned) > 50
    assert len(re.split(r"^(?=[a-z0-9])", python, flags=re.MULTILINE)[1:]) == len(pinned)
    assert all("--hash=sha256:" in block for block in re.split(r"^(?=[a-z0-9])", python, flags=re.MULTILINE)[1:])
    node = (ROOT / "package-lock.json").read_text()
    assert '"resolved"' not in node
    assert node.count('"integrity": "sha512-') == node.count('"node_modules/')


def test_no_path_of_one_machine():
    assert places_of(r"(?<![\w.])/(?:home|root|Users|work|opt)/[a-z]\S*") == []


def test_templates_hold_no_inline_style_script_or_handler():
    inside = r"templates/.*\.html$"
    assert places_of(r"\sstyle\s*=", only=inside) == []
    assert places_of(r"<style[\s>]", only=inside) == []
    assert places_of(r"\son[a-z]+\s*=\s*[\"']", only=inside) == []
    assert places_of(r"javascript:", only=inside) == []
    assert places_of(r"<script(?![^>]*\bsrc=)[^>]*>", only=inside) == []


def test_templates_and_stylesheets_fetch_nothing_from_elsewhere():
    assert (
        places_of(
            r"""(?:src|href|action|url\()\s*=?\s*["'(]?https?://[^"')\s]+""", only=r"(templates/.*\.html|static/.*\.(css|js))$"
        )
        == []
    )


def test_every_file_is_ours():
    ours = [p for p in tracked_files() if p.suffix not in PICTURES and p.name not in LOCKS]
    large = [str(p.relative_to(ROOT)) for p in ours if p.stat().st_size > 200_000]
    assert large == [], "a file of this size is somebody else's, or data"
    built = r"(\.min\.(js|css)|\.map|\.pyc|\.whl|\.sqlite3?|\.parquet)$"
    assert [str(p) for p in tracked_files() if re.search(built, p.name)] == []
    others = r"(?i)copyright\s+(\(c\)|©|\d{4})|SPDX-License|licensed under the"
    assert places_of(others, but=("LICENSE", "tests/test_house.py")) == []


def test_templates_never_switch_escaping_off():
    assert places_of(r"\|\s*safe\b|autoescape off", only=r"templates/.*\.html$") == []


def test_it_starts_with_no_variable_set_and_keeps_its_state_in_one_folder(tmp_path):
    code = "import django; django.setup(); from django.conf import settings; print(settings.DATABASES['default']['NAME'])"
    ended = run_python(code, DJANGO_SETTINGS_MODULE="quimbi.settings", QUIMBI_VAR=str(tmp_path / "state"))
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.strip() == str(tmp_path / "state" / "quimbi.sqlite3")


def test_an_empty_variable_is_the_same_as_none(tmp_path):
    code = "from quimbi import settings; print(settings.DATABASES['default']['ENGINE'], settings.REDIS_URL or 'files')"
    ended = run_python(code, QUIMBI_VAR=str(tmp_path), DATABASE_URL="", REDIS_URL="")
    assert ended.stdout.split() == ["django.db.backends.sqlite3", "files"], ended.stderr


def test_starting_the_site_loads_no_heavy_library(tmp_path):
    """The demo has to be up within ten seconds, and pandas and scikit-learn take two of them each time."""
    code = (
        "import sys, django; django.setup()\n"
        "from django.urls import get_resolver; get_resolver().url_patterns\n"
        "import quimbi.wsgi\n"
        "print(sorted({'pandas', 'sklearn', 'scipy', 'pyarrow', 'mcp', 'pydantic', 'uvicorn'} & set(sys.modules)))"
    )
    ended = run_python(code, DJANGO_SETTINGS_MODULE="quimbi.settings", QUIMBI_VAR=str(tmp_path))
    assert ended.stdout.strip() == "[]", ended.stderr


def test_the_clock_of_every_process_is_utc():
    assert settings.TIME_ZONE == "UTC"
    assert time.tzname[0] == "UTC"


def test_who_explains_a_score_need_not_wait_for_what_only_a_fit_uses(tmp_path):
    """The first explanation of a process waits for these imports."""
    code = (
        "import sys; import predictions.maths.explaining, predictions.maths.scoring\n"
        "print(sorted({'pandas', 'sklearn', 'scipy.stats', 'scipy.optimize'} & set(sys.modules)))"
    )
    assert run_python(code, QUIMBI_VAR=str(tmp_path)).stdout.strip() == "[]"


@pytest.mark.django_db
def test_tests_have_a_database_and_a_folder_of_their_own():
    assert str(settings.VAR).startswith(os.environ["QUIMBI_TEST_FOLDER"])
    assert "test" in Path(str(connection.settings_dict["NAME"])).name
    assert not Path(settings.IMPORTS_FOLDER).is_relative_to(ROOT)
