"""What every route promises: which verbs it takes, and from whom. A route that is not here fails the build."""

from dataclasses import dataclass, field

NOBODY = "nobody"
AGENT, MARKETER, ADMIN = "agent", "marketer", "admin"
PEOPLE = frozenset({AGENT, MARKETER, ADMIN})
WHO_MAY_CHANGE_DATA = frozenset({MARKETER, ADMIN})
ADMINS = frozenset({ADMIN})

WORKING_KEYS = frozenset(
    {"key read", "key read:pii", "key query", "key write:campaigns", "key write:webhooks", "key for pages"}
)
ENDED_KEYS = frozenset({"key expired", "key revoked"})
EVERYBODY = frozenset({NOBODY}) | PEOPLE | WORKING_KEYS | ENDED_KEYS

READERS = PEOPLE | {"key read", "key read:pii", "key for pages"}
READERS_OF_CONTACT_DATA = PEOPLE | {"key read:pii"}
MANAGERS_OF_WEBHOOKS = ADMINS | {"key write:webhooks"}

A_WEBHOOK = {"url": "https://example.com/hooks", "events": ["segmentation.published"]}


@dataclass(frozen=True)
class Route:
    """One address with `{ids}` of the shop that the matrix is tried on, and who may send which verb there."""

    name: str
    address: str
    verbs: dict[str, frozenset[str]]
    body: dict[str, object] = field(default_factory=dict)

    @property
    def is_api(self) -> bool:
        """Whether strangers get 401 there, and not the door."""
        return self.address.startswith("/api/") and self.name != "api-docs"


def _reads(name: str, address: str, who: frozenset[str] = READERS) -> Route:
    return Route(name, address, {"GET": who})


def _posts(name: str, address: str, who: frozenset[str]) -> Route:
    return Route(name, address, {"POST": who})


def _asks(name: str, address: str, who: frozenset[str]) -> Route:
    """A page with a form, or with a question before something is done."""
    return Route(name, address, {"GET": who, "POST": who})


ROUTES = [
    _reads("health", "/health", EVERYBODY),
    _reads("livez", "/livez", EVERYBODY),
    _reads("readyz", "/readyz", EVERYBODY),
    # Who is in already is sent on, whatever the verb.
    Route("login", "/login/", {**dict.fromkeys(("GET", "POST", "PUT"), EVERYBODY), "PATCH": PEOPLE, "DELETE": PEOPLE}),
    _posts("logout", "/logout/", PEOPLE),
    #
    # the API: figures
    _reads("api-customer-random", "/api/mcp/customer/random"),
    _reads("api-customer", "/api/mcp/customer/{customer}"),
    _reads("api-customer-orders", "/api/mcp/customer/{customer}/orders"),
    _reads("api-customer-churn-risk", "/api/mcp/customer/{customer}/churn-risk"),
    _reads("api-customer-card", "/api/mcp/customer/{customer}/card"),
    _reads("api-customers", "/api/mcp/customers"),
    _reads("api-export-customers", "/api/mcp/export/customers"),
    _reads("api-archetypes-top", "/api/mcp/archetypes/top"),
    _reads("api-archetypes-growth-projection", "/api/mcp/archetypes/growth-projection"),
    _reads("api-archetype", "/api/mcp/archetypes/{archetype}"),
    _reads("api-archetype-members", "/api/mcp/archetypes/{archetype}/members"),
    _reads("api-archetype-movement", "/api/mcp/archetypes/{archetype}/movement"),
    _reads("api-segmentation-runs", "/api/mcp/segmentation/runs"),
    _reads("api-churn-aggregate", "/api/mcp/churn/aggregate"),
    _reads("api-growth-projection", "/api/mcp/growth/projection"),
    _reads("api-predictions-trust", "/api/mcp/predictions/trust"),
    _reads("api-predictions-runs", "/api/mcp/predictions/runs"),
    _reads("api-schema", "/api/schema"),
    _reads("api-docs", "/api/docs", PEOPLE),
    # the API: contact data
    _reads("api-customer-lookup", "/api/mcp/customer/lookup?phone=5550100", READERS_OF_CONTACT_DATA),
    _reads("api-export-customers", "/api/mcp/export/customers?contact=true", READERS_OF_CONTACT_DATA),
    # the API: webhooks
    Route("api-webhooks", "/api/webhooks", {"GET": MANAGERS_OF_WEBHOOKS, "POST": MANAGERS_OF_WEBHOOKS}, A_WEBHOOK),
    Route("api-webhook", "/api/webhooks/{webhook}", dict.fromkeys(("GET", "PATCH", "DELETE"), MANAGERS_OF_WEBHOOKS)),
    _posts("api-webhook-test", "/api/webhooks/{webhook}/test", MANAGERS_OF_WEBHOOKS),
    _posts("api-webhook-rotate", "/api/webhooks/{webhook}/rotate", MANAGERS_OF_WEBHOOKS),
    _reads("api-webhook-deliveries", "/api/webhooks/{webhook}/deliveries", MANAGERS_OF_WEBHOOKS),
    _reads("api-webhook-delivery", "/api/webhooks/deliveries/{delivery}", MANAGERS_OF_WEBHOOKS),
    _posts("api-webhook-replay", "/api/webhooks/deliveries/{delivery}/replay", MANAGERS_OF_WEBHOOKS),
    #
    # pages to read
    _reads("home", "/", PEOPLE),
    _reads("growth", "/growth/", PEOPLE),
    _reads("customers", "/customers/", PEOPLE),
    _reads("customer", "/customers/{customer}/", PEOPLE),
    _reads("customer-why", "/customers/{customer}/why/", PEOPLE),
    _reads("customer-orders", "/customers/{customer}/orders/", PEOPLE),
    _reads("customer-tickets", "/customers/{customer}/tickets/", PEOPLE),
    _reads("customer-ticket", "/tickets/{ticket}/", PEOPLE),
    _reads("archetypes", "/archetypes/", PEOPLE),
    _reads("archetype", "/archetypes/{archetype}/", PEOPLE),
    _reads("trust", "/predictions/", PEOPLE),
    _reads("jobs", "/jobs/", PEOPLE),
    _reads("job", "/jobs/{job}/", PEOPLE),
    _reads("job-log", "/jobs/{job}/log/", PEOPLE),
    _reads("account", "/account/", PEOPLE),
    Route("account-password", "/account/password/", {"GET": PEOPLE, "POST": PEOPLE, "PUT": PEOPLE}),
    # pages to change data
    _asks("import-new", "/imports/new/", WHO_MAY_CHANGE_DATA),
    _asks("import-map", "/imports/{import}/", WHO_MAY_CHANGE_DATA),
    _posts("import-start", "/imports/{import}/start/", WHO_MAY_CHANGE_DATA),
    _reads("import-rejects", "/imports/{import}/rejects/", WHO_MAY_CHANGE_DATA),
    _asks("archetype-rename", "/archetypes/{archetype}/name/", WHO_MAY_CHANGE_DATA),
    _posts("trust-learn", "/predictions/learn/", WHO_MAY_CHANGE_DATA),
    _asks("job-cancel", "/jobs/{job}/cancel/", WHO_MAY_CHANGE_DATA),
    _posts("job-again", "/jobs/{job}/again/", WHO_MAY_CHANGE_DATA),
    _posts("demo-load", "/demo/load/", WHO_MAY_CHANGE_DATA),
    _asks("demo-remove", "/demo/remove/", WHO_MAY_CHANGE_DATA),
    # pages of admins
    _reads("keys", "/settings/keys/", ADMINS),
    _asks("key-new", "/settings/keys/new/", ADMINS),
    _asks("key-change", "/settings/keys/{key}/", ADMINS),
    _reads("key-shown", "/settings/keys/{key}/copy/", ADMINS),
    _asks("key-rotate", "/settings/keys/{key}/rotate/", ADMINS),
    _asks("key-revoke", "/settings/keys/{key}/revoke/", ADMINS),
    _reads("webhooks", "/settings/webhooks/", ADMINS),
    _asks("webhook-new", "/settings/webhooks/new/", ADMINS),
    _reads("webhook", "/settings/webhooks/{webhook}/", ADMINS),
    _asks("webhook-edit", "/settings/webhooks/{webhook}/edit/", ADMINS),
    _posts("webhook-test", "/settings/webhooks/{webhook}/test/", ADMINS),
    _posts("webhook-switch", "/settings/webhooks/{webhook}/switch/", ADMINS),
    _asks("webhook-rotate", "/settings/webhooks/{webhook}/rotate/", ADMINS),
    _reads("webhook-secret", "/settings/webhooks/{webhook}/secret/", ADMINS),
    _asks("webhook-delete", "/settings/webhooks/{webhook}/delete/", ADMINS),
    _reads("webhook-delivery", "/settings/webhooks/deliveries/{delivery}/", ADMINS),
    _posts("webhook-replay", "/settings/webhooks/deliveries/{delivery}/replay/", ADMINS),
]
