"""The closed list of tools: each an endpoint of the API under a name that a model understands."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import ApiKey

MOST_ENTRIES = 100


@dataclass(frozen=True, eq=False)
class Tool:
    """An endpoint under a name that a model understands.

    `operation` is the endpoint's id in the OpenAPI document; `scope` what a key needs for it. `defaults` go before the
    endpoint's own, because a model reads every line of an answer. `own` describes arguments for `shape`, which makes an answer
    smaller and computes nothing. `quotes` where an answer may hold customers' words.
    """

    name: str
    title: str
    operation: str
    description: str
    scope: str = ApiKey.Scope.READ
    defaults: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    shape: Callable[[dict[str, Any], Mapping[str, Any]], dict[str, Any]] | None = None
    quotes: bool = False


def only_the_largest(body: dict[str, Any], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A growth of archetypes with the `limit` that are largest now, in each month."""
    now = body["current_distribution"]
    kept = sorted(now, key=lambda key: (-now[key]["member_count"], key))[: arguments["limit"]]

    def few(sizes: dict[str, Any]) -> dict[str, Any]:
        return {key: sizes[key] for key in kept if key in sizes}

    months = body["projected_distribution"]
    to_come = None if months is None else {month: few(sizes) for month, sizes in months.items()}
    return body | {"current_distribution": few(now), "projected_distribution": to_come}


TOOLS = (
    Tool(
        "get_customer",
        "A customer's profile",
        "customer_profile",
        "One customer by the shop's id: archetype, shares on thirteen axes of behaviour, order figures, churn and lapse risk, "
        "and the value expected in 90, 180 and 365 days. No contact data.",
    ),
    Tool(
        "search_customers",
        "Find customers",
        "search_customers",
        "Ids and figures of customers whose name, last name or e-mail address begins with a text, or who have this id or order "
        "number; the most valuable first. Needs a key that may read personal data; the answer holds none.",
        scope=ApiKey.Scope.READ_PII,
    ),
    Tool(
        "get_customer_orders",
        "A customer's orders",
        "customer_orders",
        "One customer's orders, newest first, with lines, discounts, refunds and tracking numbers; searched by product and "
        "period.",
        defaults={"limit": 20},
    ),
    Tool(
        "get_churn_risk",
        "A customer's churn and lapse risk",
        "customer_churn_risk",
        "One customer's churn and lapse risk, when the next order is expected and what to do, by rule and with reasons; with "
        "explain also what the score is made of.",
        quotes=True,
    ),
    Tool(
        "churn_overview",
        "Churn and lapse risk of the whole shop",
        "churn_aggregate",
        "How many customers stand at each level of churn and lapse risk, with how much value at risk, and how many are "
        "expected to lapse within 30 and 90 days. Everybody is counted.",
    ),
    Tool(
        "list_top_archetypes",
        "The largest archetypes",
        "top_archetypes",
        "Archetypes (groups of customers who behave alike) ranked by total or average lifetime value or by members.",
    ),
    Tool(
        "get_archetype",
        "One archetype",
        "archetype",
        "One archetype by its id: what its members have in common, what they are worth, and their churn and lapse rates.",
    ),
    Tool(
        "get_growth_projection",
        "Active customers in the months to come",
        "growth_projection",
        "Active customers now and projected by month, quarter and year, each with a range, and the error of past projections. "
        "Rates may be given in place of the shop's own, to ask what if.",
    ),
    Tool(
        "get_archetype_growth",
        "Archetypes in the months to come",
        "archetype_growth_projection",
        "Members of the largest archetypes now and projected by month.",
        own={
            "limit": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_ENTRIES,
                "default": 20,
                "description": "How many archetypes, the largest first.",
            }
        },
        shape=only_the_largest,
    ),
    Tool(
        "how_good_are_the_numbers",
        "How far the predictions can be trusted",
        "predictions_trust",
        "Tests of the predictions on the shop's own past, what was said each month beside what then happened, and what data is "
        "still missing. Ask this before you rely on a risk or a forecast.",
    ),
)
BY_NAME = {tool.name: tool for tool in TOOLS}


def is_call(message: Any) -> bool:
    """Whether a JSON-RPC message calls a tool: what is wrong is then told in the tool's result, which a model reads."""
    return isinstance(message, dict) and message.get("method") == "tools/call"


def scope_needed(message: Any) -> str:
    """The scope that a JSON-RPC message calls for; `read` for anything that is not a call of a tool of ours."""
    if is_call(message) and isinstance(message.get("params"), dict):
        name = message["params"].get("name")
        if isinstance(name, str) and name in BY_NAME:
            return BY_NAME[name].scope
    return ApiKey.Scope.READ
