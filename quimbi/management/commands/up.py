"""`manage.py up [--demo] [--port 8000]`: everything that one machine needs, until Ctrl-C."""

import os
import time
from io import StringIO
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connection
from django.utils import timezone

from customers.models import Customer
from quimbi import checks, processes
from quimbi.assets import NodeModulesFinder
from quimbi.first_login import FirstLogin, first_login
from segmentation.models import ActiveRun

DEMO_CUSTOMERS = 5000
DEMO_SEED = 7


class Command(BaseCommand):
    """Migrate, then run the site, one worker and, where a port is set for it, the MCP server."""

    help = "Migrate the database, then run the site and one worker until Ctrl-C. Ends with an error if either of them does."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen, and whether to invent a shop."""
        parser.add_argument("--demo", action="store_true", help="invent a shop of 5,000 customers if there is none")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at (0.0.0.0 for every one)")
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse, prepare, start, wait, stop."""
        host, port = options["host"], options["port"]
        try:
            self._refuse(host, port, demo=options["demo"])
            self._prepare(demo=options["demo"])
        except KeyboardInterrupt:
            raise CommandError("Stopped before the site was up; the next start goes on from here.", returncode=130) from None
        environment = {"LOG_LEVEL": "WARNING", **os.environ}
        login = None
        if not settings.PRODUCTION:
            login = first_login(settings.VAR, timezone.now())
            environment["QUIMBI_WEBHOOK_TOKEN"] = login.webhook_token
        connection.close()
        commands = {"site": processes.web(f"{host}:{port}"), "worker": processes.worker(settings.VAR)}
        if settings.MCP_PORT:
            commands["MCP server"] = processes.mcp(host, settings.MCP_PORT)
        with processes.Children(commands, folder=settings.BASE_DIR, environment=environment) as children:
            if children.wait_until_answering(host, port):
                self._greet(host, port, login)
            problem = children.wait()
            self.stdout.write("\nStopping…" if not problem else "", ending="\n" if not problem else "")
            self.stdout.flush()
        if problem:
            raise CommandError(problem)

    def _refuse(self, host: str, port: int, *, demo: bool) -> None:
        """Say in one sentence why it cannot start, before anything is changed."""
        if demo and settings.PRODUCTION:
            raise CommandError("--demo invents customers; leave it out in production.")
        for line in checks.settings_refused() if settings.PRODUCTION else ():
            raise CommandError(line)
        for missing in NodeModulesFinder().check() if not settings.PRODUCTION else ():
            raise CommandError(f"{missing.msg}; {missing.hint}.")
        if not os.access(settings.VAR, os.W_OK):
            raise CommandError(
                f"{settings.VAR} belongs to somebody else; take it over (chown) or set QUIMBI_VAR to another folder."
            )
        if port == settings.MCP_PORT:
            raise CommandError(f"QUIMBI_MCP_PORT is {port}, where the site listens; choose another.")
        if reason := processes.why_not_listen(host, port):
            raise CommandError(
                f"Port {port} cannot be used ({reason}); choose another, like: make demo PORT={port % 60000 + 1}"
            )
        if settings.MCP_PORT and (reason := processes.why_not_listen(host, settings.MCP_PORT)):
            raise CommandError(f"Port {settings.MCP_PORT} cannot be used ({reason}); choose another in QUIMBI_MCP_PORT.")

    def _prepare(self, *, demo: bool) -> None:
        """Bring the database up to date; with `demo`, fill an empty one and segment it."""
        try:
            call_command("migrate", verbosity=0, interactive=False)
        except DatabaseError as problem:
            raise CommandError(f"The database cannot be used ({str(problem).strip()}); see DATABASE_URL.") from problem
        checks.stop_if_unfit(serves_pages=True)
        if demo:
            if not Customer.objects.exists():
                self._do(
                    f"Inventing a shop of {DEMO_CUSTOMERS:,} customers", "seed_demo", customers=DEMO_CUSTOMERS, seed=DEMO_SEED
                )
            if ActiveRun.current() is None:
                self._do("Finding its segments", "segment")

    def _do(self, what: str, command: str, **arguments: Any) -> None:
        """Run another command, and say in one line what it does and how long it took."""
        self.stdout.write(f"{what}… ", ending="")
        self.stdout.flush()
        began = time.monotonic()
        call_command(command, stdout=StringIO(), stderr=StringIO(), **arguments)
        self.stdout.write(f"{time.monotonic() - began:.1f} s")

    def _greet(self, host: str, port: int, login: FirstLogin | None) -> None:
        shown = "localhost" if host in {"127.0.0.1", "0.0.0.0", "::"} else host  # noqa: S104
        self.stdout.write(f"\nQuimbi is running at http://{shown}:{port}/\n")
        if login is not None:
            password = f"password: {login.password}" if login.password else "with the password that you chose"
            self.stdout.write(f"  login:         {login.username}   {password}")
            self.stdout.write(f"  API key:       {login.api_key}")
            self.stdout.write(f"  webhook token: {login.webhook_token}")
        if settings.MCP_PORT:
            self.stdout.write(f"  for assistants: http://{shown}:{settings.MCP_PORT}/mcp (docs/mcp.md)")
        self.stdout.write("Stop with Ctrl-C.")
        self.stdout.flush()
