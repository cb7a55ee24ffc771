"""What every test stands on: its own folder, its own queue, a browser, and an environment for processes that it starts."""

import itertools
import os
import shutil
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings as django_settings
from django.db import connection, connections
from django.test import TransactionTestCase

from tests.emptying import tidy_up_after_a_test

# Playwright's synchronous API keeps an event loop in this thread, which Django takes for asynchronous code.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

_number = itertools.count()
CHROMIUM = os.environ.get("QUIMBI_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
LONG = ("browser", "worker", "slow")
"""Files with such a test take long, however few tests they have."""


def pytest_configure(config: pytest.Config) -> None:
    """Files go to the processes in the order of `pytest_collection_modifyitems`, and not those with the most tests first."""
    config.option.loadscopereorder = False


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Where several processes share the tests, long ones come first: none is left alone with them at the end."""
    if hasattr(config, "workerinput"):
        tests = Counter(item.path for item in items)
        long = {item.path for item in items if any(item.get_closest_marker(name) for name in LONG)}
        items.sort(key=lambda item: (item.path not in long, -tests[item.path], item.path))


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Files as parameters go by their name: a compressed one holds the time, and every process has to find the same tests."""
    return argname if isinstance(val, bytes) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tests feed half characters to the product and find them in the log; a report with one cannot travel between processes."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(scope="session", autouse=True)
def tests_that_commit_are_tidied_up_quickly() -> Iterator[None]:
    """By `tests.emptying` and not by `flush`, which takes most of a short test's time."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", lambda case: tidy_up_after_a_test())
        yield


@pytest.fixture(autouse=True)
def own_imports_folder(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Files that a test imports lie in that test's own folder; whoever stores the first one makes it."""
    settings.IMPORTS_FOLDER = tmp_path_factory.getbasetemp() / f"imports-{next(_number)}"


@pytest.fixture(autouse=True)
def no_reports_from_within_a_transaction(request: pytest.FixtureRequest, settings: Any) -> None:
    """A test that is one transaction hides its jobs from the connection that reports on them, which would call them lost."""
    marker = request.node.get_closest_marker("django_db")
    asked_for = bool(marker and marker.kwargs.get("transaction"))
    if not asked_for and not {"transactional_db", "live_server"} & set(request.fixturenames):
        settings.JOB_REPORT_SECONDS = 3600.0


def environment_of_processes() -> dict[str, str]:
    """The environment for a `manage.py` or Celery process that shall use this process's database, folder and queue."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        person = quote(database["USER"], safe="") + (f":{quote(database['PASSWORD'], safe='')}" if database["PASSWORD"] else "")
        url = f"postgres://{person}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "quimbi.settings",
        "DATABASE_URL": url,
        "QUIMBI_VAR": str(django_settings.VAR),
    }


@pytest.fixture
def process_environment(transactional_db: None) -> dict[str, str]:
    """The environment for a process that shall see this test's rows."""
    return environment_of_processes()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium; without one the browser tests are skipped by hand and fail in CI."""
    if not CHROMIUM:
        message = "Chromium is missing: apt-get install chromium (or name another in QUIMBI_CHROMIUM)"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    arguments = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]
    return {**browser_type_launch_args, "executable_path": CHROMIUM, "args": arguments}


@pytest.fixture(scope="session")
def browser(browser: Any) -> Iterator[Any]:
    """Closes the connection that Django has while Playwright's loop runs; it is another one, and the database has to go."""
    yield browser
    connections.close_all()


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """The same visitor on every machine."""
    return {**browser_context_args, "locale": "en-US", "timezone_id": "UTC"}


@pytest.fixture
def console_and_csp(page: Any) -> Iterator[list[str]]:
    """Collect what the browser complains about and fail if there is anything at the end.

    Console errors and warnings, uncaught exceptions, violations of the content security policy and requests to another
    host. A test that provokes one takes it out of the list.
    """
    problems: list[str] = []

    def stays_home(request: Any) -> None:
        if urlsplit(request.url).hostname not in {None, "localhost", "127.0.0.1"}:
            problems.append(f"request to another host: {request.url}")

    page.on("console", lambda said: problems.append(said.text) if said.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", stays_home)
    page.add_init_script(
        "document.addEventListener('securitypolicyviolation',"
        " e => console.error(`policy: ${e.violatedDirective} ${e.blockedURI}`))"
    )
    yield problems
    assert problems == []
