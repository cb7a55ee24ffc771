"""What the documents promise: every setting, command and address of the API is written down, and nothing that is not there."""

import re
from pathlib import Path

import pytest
from django.core.management import BaseCommand, get_commands, load_command_class
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

ROOT = Path(__file__).resolve().parent.parent
APPS = ("accounts", "jobs", "integrations", "customers", "segmentation", "predictions", "insights", "support", "quimbi")
PAGES = [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if path.exists()]
# Set by us or by the system, not for the owner to set.
NOT_SETTINGS = {"QUIMBI_WORKER_PID", "DJANGO_SETTINGS_MODULE", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "PATH", "HOME"}
# Addresses below /api/ that are no endpoints of the contract.
NOT_ENDPOINTS = {"/api/schema", "/api/docs"}
OPTIONS_OF_DJANGO = set(re.findall(r"(--[a-z][a-z-]+)", BaseCommand().create_parser("manage.py", "x").format_help()))


def variables_read() -> set[str]:
    """Names that the code takes from the environment."""
    code = "\n".join(p.read_text() for app in APPS for p in (ROOT / app).rglob("*.py"))
    read = r"(?:\benvironment\.\w+\(|\benviron(?:\.get|\.setdefault|\.pop)?[\[(]|\bgetenv\()\s*\"([A-Z][A-Z0-9_]+)\""
    return set(re.findall(read, code)) - NOT_SETTINGS


def addresses(resolver: URLResolver, before: str = "/") -> list[str]:
    """Every address of the site, with {name} for its parameters."""
    found = []
    for pattern in resolver.url_patterns:
        route = before + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            found += addresses(pattern, route)
        elif isinstance(pattern, URLPattern):
            found.append(route)
    return found


def test_every_setting_is_documented_and_every_documented_one_is_read():
    page = (ROOT / "docs" / "settings.md").read_text().split("## For the tests")[0]
    documented = set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \|", page, re.MULTILINE))
    assert documented == variables_read()


def test_every_command_is_documented_with_its_options_and_no_other():
    page = (ROOT / "docs" / "commands.md").read_text()
    sections = dict(re.findall(r"^## `(\w+)`\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL))
    ours = {name: app for name, app in get_commands().items() if app in APPS}
    assert set(sections) == set(ours)
    for name, app in ours.items():
        given = set(
            re.findall(r"(--[a-z][a-z-]+)", load_command_class(app, name).create_parser("manage.py", name).format_help())
        )
        same = re.search(r"the same options as `(\w+)`", sections[name])
        documented = set(
            re.findall(
                r"`(--[a-z][a-z-]+)`", "\n".join(re.findall(r"^\| .*$", sections[same[1] if same else name], re.MULTILINE))
            )
        )
        assert documented == given - OPTIONS_OF_DJANGO, name


def test_every_make_target_that_a_document_names_is_there():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {target for path in PAGES for target in re.findall(r"(?:`|^\s*)make ([a-z]+)", path.read_text(), re.MULTILINE)}
    assert named - targets == set()


def test_every_file_that_a_document_names_is_there():
    link = r"\]\((?!https?:|#|mailto:)([^)#\s]+)"
    missing = [
        f"{page.name}: {target}"
        for page in PAGES
        for target in re.findall(link, page.read_text())
        if not (page.parent / target).exists()
    ]
    assert missing == []


def test_the_schema_describes_every_address_of_the_api():
    schema = SchemaGenerator(api_version=None).get_schema(request=None, public=True)
    described = {re.sub(r"\{\w+\}", "{}", path) for path in schema["paths"]}
    served = {
        re.sub(r"\{\w+\}", "{}", address)
        for address in addresses(get_resolver())
        if address.startswith("/api/") and address.rstrip("/") not in NOT_ENDPOINTS
    }
    assert served
    assert served - described == set()


@pytest.mark.skipif(not (ROOT / "README.md").exists(), reason="README.md is not written yet")
def test_the_readme_starts_with_the_two_commands():
    text = (ROOT / "README.md").read_text()
    assert "make demo" in text
    assert "make test" in text
