"""What production refuses, each with one line that says what to do."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import OperationalError

from quimbi import checks

GOOD_SECRET = "an-invented-secret-0123456789-abcdefghijklmnopqrstuvwxyz"


@pytest.fixture
def production(settings, tmp_path):
    settings.PRODUCTION = True
    settings.SECRET_KEY = GOOD_SECRET
    settings.SECRET_KEY_FALLBACKS = []
    settings.ALLOWED_HOSTS = ["shop.example"]
    settings.DEBUG = False
    settings.REDIS_URL = ""
    settings.STATIC_ROOT = tmp_path
    (tmp_path / "staticfiles.json").write_text("{}")
    return settings


@pytest.mark.django_db
def test_sound_settings_are_let_through(production):
    checks.stop_if_unfit(serves_pages=True)


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [
        ("SECRET_KEY", django_settings.LAPTOP_SECRET_KEY, "set it to 50 or more random characters"),
        ("SECRET_KEY", "short", "set it to 50 or more random characters"),
        ("SECRET_KEY", "a" * 60, "set it to 50 or more random characters"),
        ("SECRET_KEY_FALLBACKS", [django_settings.LAPTOP_SECRET_KEY], "take it out"),
        ("DEBUG", True, "unset DEBUG"),
        ("ALLOWED_HOSTS", ["localhost", "127.0.0.1", "[::1]"], "set it to the site's own host names"),
        ("ALLOWED_HOSTS", [], "set it to the site's own host names"),
        ("ALLOWED_HOSTS", ["*"], "set it to the site's own host names"),
    ],
)
def test_a_setting_that_would_hurt_is_named_with_its_remedy(production, setting, value, remedy):
    setattr(production, setting, value)
    (line,) = checks.settings_refused()
    assert setting in line
    assert remedy in line
    with pytest.raises(SystemCheckError, match=remedy):
        call_command("check")


def test_a_laptop_starts_with_anything(settings):
    settings.DEBUG = True
    assert not settings.PRODUCTION
    checks.stop_if_unfit(serves_pages=True)
    call_command("check", verbosity=0)


@pytest.mark.django_db
def test_a_database_without_migrations_is_refused(production, monkeypatch, capsys):
    monkeypatch.setattr(checks, "unapplied_migrations", lambda: ["jobs.0002_more"])
    with pytest.raises(SystemExit) as ended:
        checks.stop_if_unfit()
    assert ended.value.code == checks.UNFIT
    assert capsys.readouterr().err == (
        "Quimbi does not start: the database lacks 1 migrations (first jobs.0002_more); run manage.py migrate.\n"
    )


@pytest.mark.django_db
def test_two_clocks_that_disagree_are_refused(monkeypatch):
    monkeypatch.setattr(checks, "_database_clock", lambda: datetime.now(UTC) + timedelta(minutes=5))
    (line,) = checks.database_refused()
    assert "NTP" in line


@pytest.mark.django_db
def test_the_databases_clock_is_read(monkeypatch):
    assert abs(checks._database_clock() - datetime.now(UTC)) < timedelta(seconds=30)


def test_a_database_that_does_not_answer_is_refused_with_its_reason(monkeypatch):
    def down():
        raise OperationalError("connection refused\nIs the server running?")

    monkeypatch.setattr(checks, "unapplied_migrations", down)
    assert list(checks.database_refused()) == [
        "the database does not answer (connection refused); start it or correct DATABASE_URL."
    ]


@pytest.mark.django_db
def test_pages_without_collected_files_are_refused(production, tmp_path):
    (tmp_path / "staticfiles.json").unlink()
    with pytest.raises(SystemExit):
        checks.stop_if_unfit(serves_pages=True)
    checks.stop_if_unfit()  # a worker needs none


@pytest.mark.worker
def test_site_worker_and_up_end_with_one_line_instead_of_starting(tmp_path):
    environment = {
        **{name: value for name, value in os.environ.items() if name not in {"DATABASE_URL", "REDIS_URL"}},
        "DJANGO_SETTINGS_MODULE": "quimbi.settings",
        "QUIMBI_ENV": "production",
        "QUIMBI_VAR": str(tmp_path / "var"),
        "ALLOWED_HOSTS": "shop.example",
        "SECRET_KEY": GOOD_SECRET,
    }
    unmigrated, default_secret = environment, {**environment, "SECRET_KEY": ""}
    site = ["gunicorn", "quimbi.wsgi", "--bind", "127.0.0.1:0", "--no-control-socket", "--log-level", "critical"]
    worker = ["celery", "-A", "quimbi", "worker", "--pool", "solo"]
    cases = [
        (["-m", *site], unmigrated, "run manage.py migrate", 3),
        (["-m", *worker], unmigrated, "run manage.py migrate", 3),
        (["manage.py", "up"], {**default_secret, "SECRET_KEY": django_settings.LAPTOP_SECRET_KEY}, "random characters", 1),
    ]
    started = [
        (
            subprocess.Popen(
                [sys.executable, *command],
                cwd=django_settings.BASE_DIR,
                env=variables,
                stderr=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                text=True,
            ),
            remedy,
            code,
        )
        for command, variables, remedy, code in cases
    ]
    began = time.monotonic()
    for process, remedy, code in started:
        try:
            _, said = process.communicate(timeout=max(1.0, 60 - (time.monotonic() - began)))
        finally:
            process.kill()
        assert process.returncode == code, said
        assert remedy in said
        assert "Traceback" not in said
