"""The examples of docs/api.md run as they stand, and the types that npm makes of the served schema compile."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

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

    ended = subprocess.run(
        [sys.executable, str(example), "nobody"], env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("There is no customer with this id. (404 not_found, request ")


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
