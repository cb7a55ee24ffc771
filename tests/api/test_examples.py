"""The examples of docs/api.md run as they stand, and the types that npm makes of the served schema compile."""

import json
import os
import shutil
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from accounts.models import ApiKey
from tests.small_shop import open_small_shop

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
TOOLS = ROOT / "node_modules" / ".bin"
STRICT = {
    "compilerOptions": {
        "strict": True,
        "noUncheckedIndexedAccess": True,
        "noUnusedLocals": True,
        "exactOptionalPropertyTypes": True,
        "noEmit": True,
        "skipLibCheck": True,
        "target": "es2022",
        "module": "esnext",
        "moduleResolution": "bundler",
        "lib": ["es2022", "dom", "dom.iterable"],
        "jsx": "react-jsx",
        "types": [],
    },
    "include": ["*.ts", "*.tsx"],
}


def with_node() -> dict[str, str]:
    """An environment that has Node and what was fetched for it; by hand a skip says what is missing, in CI it is a failure."""
    path = f"{ROOT / '.tools' / 'bin'}{os.pathsep}{os.environ['PATH']}"
    missing = [] if shutil.which("node", path=path) else ["Node"]
    missing += [name for name in ("openapi-typescript", "tsc") if not (TOOLS / name).exists()]
    if missing:
        message = f"{' and '.join(missing)} missing: make setup"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return {**os.environ, "PATH": path}


def run(*command: object, folder: Path, environment: dict[str, str]) -> str:
    """What a command prints; it has to end well."""
    ended = subprocess.run(
        [str(part) for part in command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=100
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.mark.django_db(transaction=True)
def test_the_python_example_runs(live_server, tmp_path):
    open_small_shop()
    _, secret = ApiKey.issue("example", ["read"])
    environment = {**os.environ, "QUIMBI_URL": live_server.url, "QUIMBI_API_KEY": secret}
    example = EXAMPLES / "customer_report.py"

    told = run(sys.executable, example, "noah", folder=tmp_path, environment=environment)
    assert "Customer noah: 0 orders, 0.00 in all" in told
    assert "no score: Awaiting first purchase to analyze behavior" in told
    told = run(sys.executable, example, "sarah", folder=tmp_path, environment=environment)
    assert "Customer sarah: 3 orders, 150.00 in all" in told
    assert "is a Premium Weekly Deal Hunter" in told
    assert "lapse risk 40% (medium) within 90 days" in told
    assert "50.00 USD for Rose cotton thread" in told
    assert "Customer " in run(sys.executable, example, folder=tmp_path, environment=environment)

    told = one_sentence(environment, "nobody")
    assert told.startswith("There is no customer with this id. (404 not_found, request ")


def one_sentence(environment: dict[str, str], *arguments: str) -> str:
    """How the Python example ends where it cannot go on: with one line on the error channel, and no traceback."""
    ended = subprocess.run(
        [sys.executable, str(EXAMPLES / "customer_report.py"), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 1, ended.stderr
    return ended.stderr


@pytest.fixture
def something_else():
    """The address of a web server that knows nothing of Quimbi."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(404 if "random" in self.path else 200)
            self.end_headers()
            self.wfile.write(b"<h1>It works!</h1>")

        def log_message(self, *_):
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Page)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.django_db(transaction=True)
def test_the_python_example_ends_in_one_sentence_without_a_key_and_with_a_wrong_one(live_server):
    here = {**os.environ, "QUIMBI_URL": live_server.url}
    for key in (None, "", "qk_...", "qk_…", "qk_1a2b\nX: y"):
        environment = {name: value for name, value in here.items() if name != "QUIMBI_API_KEY"}
        told = one_sentence(environment if key is None else environment | {"QUIMBI_API_KEY": key})
        assert told.startswith("Set QUIMBI_API_KEY to a key; this makes one: .venv/bin/python manage.py create_api_key"), key
    assert "(401 authentication_failed, request " in one_sentence(here | {"QUIMBI_API_KEY": "qk_1a2b3c4d_nobodys"})


def test_the_python_example_ends_in_one_sentence_where_no_quimbi_is(something_else):
    key = {**os.environ, "QUIMBI_API_KEY": "qk_1a2b3c4d_any"}
    for url in ("http://127.0.0.1:9", "localhost:8000", "http://", something_else):
        told = one_sentence(key | {"QUIMBI_URL": url}, "sarah")
        assert told.startswith(f"Nothing of Quimbi answers at {url.rstrip('/')} ("), told
        assert told.endswith("; set QUIMBI_URL to where it runs.\n")
    told = one_sentence(key | {"QUIMBI_URL": something_else})
    assert told == f"{something_else} answered 404 without a reason; set QUIMBI_URL to where Quimbi runs.\n"


# Enough of React to render a component once, let its effect run, and render it again with what that has found.
REACT = """
let state, effect;
export const useState = (first) => [state ??= first, (next) => { state = next; }];
export const useEffect = (run) => { effect ??= run; };
export const jsx = (type, props) => [props.children ?? ""].flat(Infinity).join("");
export const jsxs = jsx;
export async function rendered(component, props) {
  state = effect = undefined;
  const first = component(props);
  effect();
  while (state.state === "waiting") await new Promise((soon) => setTimeout(soon, 20));
  return [first, component(props)];
}
"""
RUN = r"""
import ts from "typescript";
import { readFileSync, writeFileSync } from "node:fs";
const source = readFileSync("CustomerCard.tsx", "utf8");
const options = { jsx: ts.JsxEmit.ReactJSX, module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
const { outputText } = ts.transpileModule(source, { compilerOptions: options });
writeFileSync("card.mjs", outputText.replaceAll(/"react(\/jsx-runtime)?"/g, '"./react.mjs"'));
const { CustomerCard } = await import("./card.mjs");
const { rendered } = await import("./react.mjs");
console.log(JSON.stringify(await rendered(CustomerCard, { customerId: process.argv[2] })));
"""


@pytest.fixture
def card(tmp_path):
    """What the React example shows first, and in the end, of a customer, at an address and with a key."""
    environment = with_node()
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    (tmp_path / "react.mjs").write_text(REACT)
    (tmp_path / "run.mjs").write_text(RUN)
    source = (EXAMPLES / "CustomerCard.tsx").read_text()

    def show(customer_id: str, url: str, key: str) -> list[str]:
        ours = source.replace('"http://localhost:8000"', json.dumps(url)).replace('"qk_..."', json.dumps(key))
        assert ours.count(json.dumps(key)) == 1
        (tmp_path / "CustomerCard.tsx").write_text(ours)
        return json.loads(run("node", "run.mjs", customer_id, folder=tmp_path, environment=environment))

    return show


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_react_example_shows_a_customer_and_in_one_sentence_why_it_cannot(card, live_server, something_else):
    open_small_shop()
    _, secret = ApiKey.issue("example", ["read"])
    first, sarah = card("sarah", live_server.url, secret)
    assert first == "Loading…"
    assert sarah.startswith("sarah150.00 in 3 ordersPremium Weekly Deal Hunter: ")
    assert "Lapse risk 40 %: " in sarah
    assert "Awaiting first purchase" in card("noah", live_server.url, secret)[1]
    expected = {
        ("nobody", live_server.url, secret): "There is no customer with this id. (request ",
        ("sarah", live_server.url, "qk_1a2b3c4d_nobodys"): "This API key",
        ("sarah", live_server.url, "qk_..."): "Put a key into API_KEY",
        ("sarah", "http://127.0.0.1:9", secret): "http://127.0.0.1:9 does not answer this page",
        ("sarah", something_else, secret): f"Nothing of Quimbi answers at {something_else}.",
    }
    for asked, words in expected.items():
        assert card(*asked)[1].startswith(words), asked


@pytest.mark.slow
@pytest.mark.django_db
def test_types_made_of_the_served_schema_compile_strictly_with_the_react_example(api, tmp_path):
    environment = with_node()
    (tmp_path / "schema.json").write_text(json.dumps(api.get("/api/schema").json()))
    (tmp_path / "tsconfig.json").write_text(json.dumps(STRICT))
    (tmp_path / "node_modules").symlink_to(ROOT / "node_modules")
    shutil.copy(EXAMPLES / "CustomerCard.tsx", tmp_path)
    run(TOOLS / "openapi-typescript", "schema.json", "-o", "quimbi-api.ts", folder=tmp_path, environment=environment)
    run(TOOLS / "tsc", "--project", "tsconfig.json", folder=tmp_path, environment=environment)

    wrong = (tmp_path / "CustomerCard.tsx").read_text().replace("business_metrics.total_orders", "business_metrics.orders")
    (tmp_path / "CustomerCard.tsx").write_text(wrong)
    with pytest.raises(AssertionError, match="Property 'orders' does not exist"):
        run(TOOLS / "tsc", "--project", "tsconfig.json", folder=tmp_path, environment=environment)
