"""The files that pages fetch: each is there, and the production build finds every file that another one names."""

import re
from pathlib import Path

import pytest
from django.conf import settings as quimbi_settings
from django.contrib.staticfiles import finders
from django.core.management import call_command

from quimbi import assets

ROOT = Path(quimbi_settings.BASE_DIR)


def test_every_vendor_file_is_there_and_no_other_is_served():
    assert [url for url in assets.VENDOR_FILES if not finders.find(url)] == []
    assert finders.find("echarts/package.json") is None
    assert assets.NodeModulesFinder().find("vendor/../../package.json") == []


def test_every_file_that_a_template_names_is_there():
    named = set()
    for template in (ROOT / "templates").rglob("*.html"):
        named |= set(re.findall(r"\{%\s*static\s+[\"']([^\"']+)[\"']", template.read_text()))
    assert named
    assert {path for path in named if not finders.find(path)} == set()


def test_a_missing_package_is_named_with_the_command_that_brings_it(monkeypatch, tmp_path):
    monkeypatch.setattr(assets, "NODE_MODULES", tmp_path)
    (message,) = assets.NodeModulesFinder().check()
    assert message.msg == "front-end files are missing: @fontsource-variable/inter, @tabler/core, echarts"
    assert message.hint == "run: make setup"


@pytest.mark.slow
def test_the_production_build_finds_every_file_that_another_names(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    assert (tmp_path / "staticfiles.json").exists()
    assert list(tmp_path.glob("vendor/tabler.min.*.css"))
    assert list(tmp_path.glob("app.*.css"))
