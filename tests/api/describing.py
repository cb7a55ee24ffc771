"""Writes the part of docs/api.md that lists endpoints anew, from the served schema and the answers of a demo shop.

make demo                                                            (in another terminal)
.venv/bin/python -m tests.api.describing http://localhost:8000 qk_... qk_...

The first key may do everything, and read everybody for the export; the second may only read, which tells what needs more:
.venv/bin/python manage.py create_api_key writer --scope read:pii --scope write:webhooks --customers-a-day 0
.venv/bin/python manage.py create_api_key reader --scope read
"""

import json
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
BEGIN, END = "<!-- endpoints: written by tests/api/describing.py -->", "<!-- end of the endpoints -->"
GROUPS = {
    "customers": "Customers",
    "archetypes": "Archetypes",
    "analytics": "The whole shop",
    "predictions": "Predictions",
    "segmentation": "Segmentation",
    "exports": "Exports",
    "webhooks": "Webhooks",
    "health": "Health",
}
ONE_PROFILE = "It answers like `/api/mcp/customer/{customer_id}`"
SAME_AS = {
    "/api/mcp/customer/random": f"{ONE_PROFILE}.",
    "/api/mcp/customer/lookup": f"{ONE_PROFILE}, with `name`, `email` and `phone` beside it. Where several have the address "
    'or number it answers `{"count": 2, "is_capped": false, "customers": […]}` with the first ten; `is_capped` says that there '
    "are more than `count`.",
}
OF_ALL_READS = "If-None-Match"  # the page says so once
USUAL_URL = "http://localhost:8000"
NEW_WEBHOOK = {"url": "https://shop.example/quimbi", "events": ["customer.archetype_changed"]}
SHOWN_ENTRIES, SHOWN_KEYS, LONGEST_LINE, LONGEST_TEXT = 1, 2, 100, 160


def main(url: str, key: str, readers_key: str) -> None:
    """Ask every endpoint of the demo shop once and put what it says between the two marks."""
    page = PAGE.read_text()
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    asker = Asker(url, key, readers_key)
    described = endpoints(asker.ask("GET", "/api/schema"), asker).replace(asker.url, USUAL_URL)
    PAGE.write_text(f"{before}{BEGIN}\n\n{described}\n{END}{after}")
    asker.ask("DELETE", f"/api/webhooks/{asker.known['webhook_id']}")


class Asker:
    """The demo shop, ids of things in it for the addresses, and what reads ask for. `written` holds answers to writes."""

    def __init__(self, url: str, key: str, readers_key: str) -> None:
        self.url, self.key, self.readers_key = url.rstrip("/"), key, readers_key
        hook = self.ask("POST", "/api/webhooks", NEW_WEBHOOK)
        self.written = {("post", "/api/webhooks"): (NEW_WEBHOOK, {**hook, "secret": "whsec_..."})}
        top = self.ask("GET", "/api/mcp/archetypes/top?limit=1")["archetypes"][0]
        somebody = self._somebody()
        self.known = {"archetype_id": top["archetype_id"], "customer_id": somebody, "webhook_id": hook["id"]}
        self.known["delivery_id"] = self._tried(hook["id"])
        self.queries = {"/api/mcp/customers": "?lapse_risk_min=0.5&limit=2"}

    def needed(self, method: str, path: str) -> str:
        """The scope that an address needs beyond `read`; "" if none."""
        try:
            self.ask(method.upper(), self.address(path) or re.sub(r"{\w+}", "0", path), key=self.readers_key)
        except urllib.error.HTTPError as problem:
            if problem.code == 403:
                return re.findall(r"scope ([a-z:]+)", json.load(problem)["error"]["message"])[0]
        return ""

    def ask(self, method: str, path: str, body: Any = None, *, key: str = "") -> Any:
        """An answer, as JSON where it is."""
        headers = {"X-API-Key": key or self.key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
            kind = answer.headers.get("Content-Type", "")
        return json.loads(text) if "json" in kind and "ndjson" not in kind else text

    def address(self, path: str) -> str:
        """The path with ids in place of its parameters and a question behind it; "" if an id is not known."""
        query = self.queries.get(path, "")
        for name, value in self.known.items():
            path = path.replace(f"{{{name}}}", str(value))
        return "" if "{" in path else path + query

    def _tried(self, webhook_id: str) -> str:
        """A test message that has been sent, in vain: nobody is at the example's address."""
        delivery = self.ask("POST", f"/api/webhooks/{webhook_id}/test", {})
        for _ in range(60):
            if self.ask("GET", f"/api/webhooks/deliveries/{delivery['id']}")["attempt_log"]:
                return str(delivery["id"])
            time.sleep(0.5)
        raise SystemExit("Nobody sends webhooks: the demo shop has no worker.")

    def _somebody(self) -> str:
        """An active customer with some history, so that the example shows something."""
        for _ in range(200):
            profile = self.ask("GET", "/api/mcp/customer/random")
            if (
                profile["business_metrics"]["total_orders"] >= 4
                and profile["churn_risk"]
                and profile["churn_risk"]["is_active"]
            ):
                return str(profile["customer_id"])
        raise SystemExit("The demo shop has nobody active with four orders and a score.")


def endpoints(schema: dict[str, Any], asker: Asker) -> str:
    """Every operation, by group."""
    groups: dict[str, list[str]] = {}
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            group = (operation.get("tags") or ["health"])[0]
            groups.setdefault(group, []).append(section(schema, asker, path, method, operation))
    known = [name for name in GROUPS if name in groups]
    names = known + [name for name in groups if name not in GROUPS]
    return "\n".join(f"### {GROUPS.get(name, name.capitalize())}\n\n" + "\n".join(groups[name]) for name in names)


def section(schema: dict[str, Any], asker: Asker, path: str, method: str, operation: dict[str, Any]) -> str:
    """One operation: what it is, its parameters, its body, and for a read what the demo shop answers."""
    meant = [f"{operation['summary']}." if "summary" in operation else "", operation.get("description", "")]
    lines = [f"#### `{method.upper()} {path}`", "", " ".join(filter(None, meant)) or operation["operationId"], ""]
    if scope := asker.needed(method, path):
        lines[2] += f" Needs the scope `{scope}`."
    parameters = [each for each in operation.get("parameters", ()) if each["in"] != "path" and each["name"] != OF_ALL_READS]
    if parameters:
        lines += ["| parameter | |", "|---|---|"]
        lines += [f"| `{each['name']}` | {words(each['schema'], each, schema)} |" for each in parameters] + [""]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if body:
        described = resolved(body, schema)
        required = described.get("required", ())
        lines += ["| field | |", "|---|---|"]
        for name, each in described.get("properties", {}).items():
            lines.append(f"| `{name}` | {words(each, {**each, 'required': name in required}, schema)} |")
        lines.append("")
    if (method, path) in asker.written:
        sent, answer = asker.written[method, path]
        lines += ["```jsonc", f"// {method.upper()} {path} {json.dumps(sent)}", shown(answer), "```", ""]
    if method == "get" and path in SAME_AS:
        lines += [SAME_AS[path], ""]
    elif method == "get" and (address := asker.address(path)):
        lines += example(asker, address)
    return "\n".join(lines)


def example(asker: Asker, address: str) -> list[str]:
    """The answer, shortened; nothing where there is none."""
    try:
        answer = asker.ask("GET", address)
    except urllib.error.HTTPError as problem:
        print(f"no example of {address}: {problem}", file=sys.stderr)
        return []
    if isinstance(answer, str):
        return ["```text", *answer.splitlines()[:3], "…", "```", ""]
    return ["```jsonc", f"// GET {address}", shown(answer), "```", ""]


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """What a reference points at, whichever way it is wrapped."""
    for wrapped in ("allOf", "oneOf", "anyOf"):
        for choice in schema.get(wrapped, ()):
            if choice.get("type") != "null":
                return {**resolved(choice, document), **{name: value for name, value in schema.items() if name != wrapped}}
    if "$ref" in schema:
        found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return found
    return schema


def words(described: dict[str, Any], told: dict[str, Any], document: dict[str, Any]) -> str:
    """A parameter in words: kind, choices, range, default, and what it is for."""
    schema = resolved(described, document)
    kind = schema.get("type", "string")
    kind = next((each for each in kind if each != "null"), "") if isinstance(kind, list) else kind
    named = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`", "array": "list", "object": "object"}
    parts = [f"day ({schema['format']})" if schema.get("format") == "date" else named.get(kind, "text")]
    if "enum" in schema:
        parts = [", ".join(f"`{choice}`" for choice in schema["enum"] if choice not in ("", None))]
    if (choices := resolved(schema.get("items", {}), document).get("enum")) is not None:
        parts = ["list of " + ", ".join(f"`{choice}`" for choice in choices)]
    least, most = schema.get("minimum"), schema.get("maximum")
    if least is not None and most is not None:
        parts.append(f"{least:,} to {most:,}")
    if schema.get("default", "") != "":
        default = schema["default"]
        parts.append(f"default `{str(default).lower() if isinstance(default, bool) else default}`")
    if told.get("required"):
        parts.append("required")
    meant = " ".join(told.get("description", "").split())
    return ", ".join(parts) + (f". {meant}" if meant else "")


def shown(value: Any, depth: int = 0) -> str:
    """JSON on few lines: of a list the first entry, of a map of many like things the first two."""
    short = json.dumps(value, ensure_ascii=False)
    if not isinstance(value, dict | list) or (len(short) <= LONGEST_LINE - 2 * depth and not _is_shortened(value)):
        return short if len(short) <= LONGEST_TEXT else f'{short[: LONGEST_TEXT - 2]}…"'
    inner, space = "  " * (depth + 1), "  " * depth
    if isinstance(value, list):
        rows = [inner + shown(each, depth + 1) for each in value[:SHOWN_ENTRIES]]
        more = [f"{inner}// and {len(value) - SHOWN_ENTRIES:,} more"] if len(value) > SHOWN_ENTRIES else []
        return "[\n" + ",\n".join(rows) + "\n" + "".join(f"{line}\n" for line in more) + f"{space}]"
    entries = list(value.items())
    kept = entries[:SHOWN_KEYS] if _is_map(value) else entries
    rows = [f"{inner}{json.dumps(name)}: {shown(each, depth + 1)}" for name, each in kept]
    more = [f"{inner}// and {len(entries) - len(kept):,} more"] if len(entries) > len(kept) else []
    return "{\n" + ",\n".join(rows) + "\n" + "".join(f"{line}\n" for line in more) + f"{space}}}"


def _is_map(value: dict[str, Any]) -> bool:
    """Whether the keys are archetypes, months or axes: many, with like things behind them."""
    return len(value) > SHOWN_KEYS and ("purchase_value" in value or all(re.match(r"arch_|\d{4}-\d{2}", key) for key in value))


def _is_shortened(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 3 and isinstance(value[0], dict)


if __name__ == "__main__":
    main(*sys.argv[1:4])
