"""The tests' own ground: what conftest.py promises to every other test."""

import subprocess
import sys

import pytest
from django.conf import settings

from accounts.models import Shop


def test_a_process_that_a_test_starts_sees_its_rows_and_its_folder(process_environment):
    Shop.objects.update_or_create(pk=1, defaults={"name": "Yarn & Co", "currency": "EUR"})
    code = "from accounts.models import Shop; from django.conf import settings; print(Shop.current(), settings.VAR)"
    ended = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=settings.BASE_DIR,
        env=process_environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.strip() == f"Yarn & Co {settings.VAR}", ended.stderr


@pytest.mark.browser
def test_the_browser_reports_errors_violations_and_strangers(page, console_and_csp):
    policy = "<meta http-equiv='Content-Security-Policy' content=\"style-src 'self'; script-src 'self'\">"
    page.route("**/*", lambda route: route.fulfill(body=f"{policy}<title>x</title>", content_type="text/html"))
    page.goto("http://localhost:1/")
    assert console_and_csp == []
    page.evaluate("console.error('broken')")
    with page.expect_console_message(lambda said: said.text.startswith("policy")):
        page.evaluate("document.body.innerHTML = '<p style=\"color: red\">loud</p>'")
    page.goto("http://stranger.example/")
    page.wait_for_function("document.title === 'x'")
    found = "\n".join(console_and_csp)
    assert "broken" in found
    assert "policy: style-src-attr inline" in found
    assert "request to another host: http://stranger.example/" in found
    console_and_csp.clear()
