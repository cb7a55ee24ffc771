"""The MCP server for uvicorn: streamable HTTP at /mcp, one POST in and one JSON object out, nothing kept in between.

    uvicorn quimbi.mcp.asgi:application --port 8001

Its own process and not part of the site: the SDK wants an event loop, and the site is three times faster without one.
"""

import os

import django
from mcp.server.transport_security import TransportSecuritySettings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "quimbi.settings")
django.setup()

from quimbi.checks import stop_if_unfit  # noqa: E402  (needs the settings)
from quimbi.mcp.gate import LARGEST_BODY, PATH, Gate, caller_of  # noqa: E402
from quimbi.mcp.server import build_server  # noqa: E402

stop_if_unfit()
_server = build_server(caller_of).streamable_http_app(
    streamable_http_path=PATH,
    json_response=True,
    stateless_http=True,
    max_request_body_size=LARGEST_BODY,
    transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # the gate knows ALLOWED_HOSTS
)
application = Gate(_server)
