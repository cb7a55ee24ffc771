"""One customer in a few lines, with nothing but Python's standard library.

QUIMBI_URL=http://localhost:8000 QUIMBI_API_KEY=qk_... python customer_report.py [CUSTOMER_ID]
"""

import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any
from urllib.parse import quote, urlencode

URL = os.environ.get("QUIMBI_URL", "http://localhost:8000").rstrip("/")
KEY = os.environ.get("QUIMBI_API_KEY", "").strip()


def get(path: str, **parameters: Any) -> Any:
    """The answer as JSON. Waits once where asked to (429); where there is no answer it ends the program with one sentence."""
    if not re.fullmatch(r"qk_[\w-]+", KEY, re.ASCII):
        sys.exit("Set QUIMBI_API_KEY to a key; this makes one: .venv/bin/python manage.py create_api_key report --scope read")
    address = f"{URL}{path}?{urlencode(parameters)}" if parameters else URL + path
    for last in (False, True):
        try:
            request = urllib.request.Request(address, headers={"X-API-Key": KEY})
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as problem:
            if problem.code == 429 and not last:
                time.sleep(int(problem.headers.get("Retry-After", "1")))
                continue
            sys.exit(sentence(problem))
        except (OSError, HTTPException, ValueError) as problem:
            sys.exit(f"Nothing of Quimbi answers at {URL} ({problem}); set QUIMBI_URL to where it runs.")


def sentence(problem: urllib.error.HTTPError) -> str:
    """What the server says is wrong, in its own words."""
    try:
        error = json.load(problem)["error"]
        return f"{error['message']} ({problem.code} {error['code']}, request {error['request_id']})"
    except (ValueError, LookupError, TypeError):
        return f"{URL} answered {problem.code} without a reason; set QUIMBI_URL to where Quimbi runs."


def report(customer_id: str) -> None:
    """Print who it is, the risk, what to do and what was bought last."""
    path = f"/api/mcp/customer/{quote(customer_id, safe='')}"
    profile = get(path)
    metrics, archetype = profile["business_metrics"], profile["archetype"]
    print(f"Customer {profile['customer_id']}: {metrics['total_orders']} orders, {metrics['lifetime_value']:,.2f} in all")
    print(f"  is a {archetype['segment_name']}" if archetype else f"  {profile['archetype_reason']}")

    risk = get(f"{path}/churn-risk")
    if risk["lapse_risk"] is None:
        print(f"  no score: {risk['lapse_risk_reason']}")
    else:
        lapse = risk["lapse_risk"]
        print(f"  lapse risk {lapse['lapse_risk_score']:.0%} ({lapse['risk_level']}) within {lapse['horizon_days']} days")
        for action in risk["actions"]:
            print(f"  to do: {action['title']}, because: {action['why']}")

    for order in get(f"{path}/orders", limit=3)["orders"]:
        what = ", ".join(line["title"] for line in order["line_items"][:2])
        print(f"  {order['created_at'][:10]} {order['order_number']}: {order['total_price']} {order['currency']} for {what}")


if __name__ == "__main__":
    report(sys.argv[1] if len(sys.argv) > 1 else get("/api/mcp/customer/random")["customer_id"])
