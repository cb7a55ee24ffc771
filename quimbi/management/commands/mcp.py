"""`manage.py mcp [--host 127.0.0.1] [--port 8001] [--stdio]`: the read tools for assistants such as Claude."""

import signal
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from quimbi import checks, environment, processes

PORT = 8001


class Command(BaseCommand):
    """Serve the Model Context Protocol until Ctrl-C."""

    help = "Serve the read tools over the Model Context Protocol until Ctrl-C; docs/mcp.md says how to add them to a client."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Where to listen, or that the client starts us itself."""
        parser.add_argument("--host", default="127.0.0.1", help="address to listen at (0.0.0.0 for every one)")
        parser.add_argument("--port", type=int, default=settings.MCP_PORT or PORT)
        parser.add_argument("--stdio", action="store_true", help="talk over standard input and output, with QUIMBI_API_KEY")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until stopped."""
        if options["stdio"]:
            self._serve_stdio()
        else:
            self._serve_http(options["host"], options["port"])

    def _serve_http(self, host: str, port: int) -> None:
        if reason := processes.why_not_listen(host, port):
            raise CommandError(f"Port {port} cannot be used ({reason}); choose another with --port.")
        import uvicorn

        self.stdout.write(f"MCP server at http://{host}:{port}/mcp; stop with Ctrl-C.")
        self.stdout.flush()
        uvicorn.run(
            "quimbi.mcp.asgi:application",
            host=host,
            port=port,
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=10,
        )

    def _serve_stdio(self) -> None:
        """One client, with the rights of its key; what we log goes to standard error."""
        key = environment.text("QUIMBI_API_KEY")
        if not key:
            raise CommandError("Set QUIMBI_API_KEY to an API key; manage.py create_api_key NAME makes one.")
        checks.stop_if_unfit()
        for reason in checks.database_refused():
            raise CommandError(f"The MCP server does not start: {reason}")
        import anyio
        from mcp.server.stdio import stdio_server
        from rest_framework.exceptions import AuthenticationFailed

        from quimbi.mcp.calling import caller_with
        from quimbi.mcp.server import build_server, in_thread

        try:
            caller_with(key)
        except AuthenticationFailed as problem:
            raise CommandError(f"QUIMBI_API_KEY: {problem.detail}") from None
        server = build_server(lambda _: in_thread(caller_with, key))

        async def serve() -> None:
            async with stdio_server() as (read, write):
                await server.run(read, write, server.create_initialization_options())

        # Python's own handler would wait for the thread that reads standard input, until the client's next line.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        anyio.run(serve)
