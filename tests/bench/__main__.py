"""`make bench`: the whole benchmark on PostgreSQL, printed as a table and written to docs/benchmarks.md.

BENCH_DATABASE_URL names a PostgreSQL server on which databases may be made (quimbi_bench…); BENCH_CUSTOMERS the size, by
default the reference shop's 120,979; BENCH_ROUNDS the rounds, by default 5. Every figure is a median, every ratio of figures
that were measured in turn. About forty minutes.
"""

import os
import platform
import sys
import tempfile
from datetime import date
from pathlib import Path

from tests.bench.measuring import ROOT, ROUNDS, SERVER, Timing, database, environment, manage

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "120979"))
ROUNDS_HERE = int(os.environ.get("BENCH_ROUNDS", str(ROUNDS)))
DOCUMENT = ROOT / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"

Row = tuple[str, str, str, str]


def shop(customers: int) -> str:
    """A demo shop of that size, seeded, segmented and scored once; the URL of its database."""
    url = database(f"quimbi_bench_{customers}")
    manage("migrate", "-v0", url=url)
    seeded = ROOT / "var" / "bench" / f"seeded-{customers}"
    if not seeded.exists():
        manage("seed_demo", "--customers", str(customers), "--replace", url=url)
        manage("segment", url=url)
        manage("predict", "--refit", url=url)
        seeded.touch()
    return url


def main() -> None:
    """Measure, print, write."""
    from tests.bench import imports, naive, one_customer, predictions, segmentation

    (ROOT / "var" / "bench").mkdir(parents=True, exist_ok=True)
    small, full = shop(CUSTOMERS // 10), shop(CUSTOMERS)
    rows: list[Row] = []

    tenth, whole = segmentation.measure(small, ROUNDS_HERE), segmentation.measure(full, ROUNDS_HERE)
    copy = whole["copy_out"].median
    rows.append(("COPY out of the columns that a run reads", f"{copy:.2f} s", "", ""))
    rows.append(("whole run: discover, score, publish", *_against(whole["whole_run"], copy, "5 × COPY, 1.5 GB")))
    rows.append(("monthly re-score", *_against(whole["re_score"], copy, "3 × COPY")))
    growth = whole["whole_run"].median / tenth["whole_run"].median
    rows.append(
        (
            "ten times the customers",
            f"{tenth['whole_run'].median:.2f} s → {whole['whole_run'].median:.2f} s",
            f"{growth:.1f} ×",
            "12 ×",
        )
    )

    _set_up(full)
    single = one_customer.measure()
    reads = single["own_reads"].median
    rows.append(("one customer's own reads", f"{1000 * reads:.1f} ms", "", ""))
    rows.append(
        (
            "one customer scored and stored",
            f"{1000 * single['scored_and_stored'].median:.1f} ms",
            f"{single['scored_and_stored'].median / reads:.1f} ×",
            "4 × its reads",
        )
    )

    foretold = predictions.measure(full, ROUNDS_HERE)
    plain = foretold["lifetimes"]
    rows.append(("a plain BG/NBD and Gamma-Gamma by lifetimes", f"{plain.median:.2f} s, {plain.peak_mb:,.0f} MB", "", ""))
    proven = _against(foretold["everything"], plain.median, "60 s, 1.5 GB")
    rows.append(("predictions: fit, three days of the past, score", *proven))
    rows.append(("predictions: nightly scoring, stored", *_against(foretold["nightly"], plain.median, "10 s")))
    rows.append(("predictions: one customer", f"{1000 * predictions.measure_one_customer().median:.1f} ms", "", "50 ms"))

    asked, endpoints = _asked(small, full)
    rows += asked

    for part, hours in naive.hours(CUSTOMERS * 773 // 1000).items():
        rows.append((f"the naive way, {part}, extrapolated", f"{hours:.1f} h", "", ""))

    with tempfile.TemporaryDirectory(prefix="quimbi-bench-") as folder:
        brought = imports.measure(full, Path(folder), ROUNDS_HERE)
    base = brought["copy_and_index"].median
    rows.append(("COPY of the files and index build", f"{base:.1f} s", "", ""))
    rows.append(("import of customers, orders and lines", *_against(brought["first_import"], base, "2.5 × COPY")))
    again = brought["same_files_again"]
    rows.append(("the same files again", *_against(again, brought["first_import"].median, "1 × the first")))

    tables = f"{_table(rows)}\n\n{endpoints}"
    print(tables)
    _write(tables)


def _asked(small: str, full: str) -> tuple[list[Row], str]:
    """Rows about the endpoints that have a limit of their own, and the table of all of them."""
    from tests.bench import answers

    (few, few_exported), (many, exported) = (answers.measure(url, ROUNDS_HERE) for url in (small, full))
    stored = many[answers.STORED].rate
    rows: list[Row] = [
        (answers.STORED, f"{stored:,.0f} a second", "", ""),
        *(
            (name, f"{many[name].rate:,.0f} a second", f"{many[name].rate / stored:.2f} ×", f"at least {least} ×")
            for name, least in ((answers.PROFILE, 0.3), (answers.LIST, 0.15))
        ),
        (
            "export of everybody as CSV",
            f"{exported.seconds:.1f} s, {exported.mb:.0f} MB sent",
            f"+{exported.grown_mb:.0f} MB of memory, +{few_exported.grown_mb:.0f} at a tenth",
            "flat",
        ),
    ]
    lines = ["| endpoint | a second | p50 | p95 | p99 | p99 to p50 | p50 to a tenth's |", "|---|---|---|---|---|---|---|"]
    for name, whole in many.items():
        p50, p95, p99 = (whole.percentile(share) for share in (0.50, 0.95, 0.99))
        figures = [f"{1000 * each:.1f} ms" for each in (p50, p95, p99)]
        ratios = [f"{p99 / p50:.1f} ×", f"{p50 / few[name].percentile(0.50):.2f} ×"]
        lines.append(f"| {' | '.join([name, f'{whole.rate:,.0f}', *figures, *ratios])} |")
    return rows, "\n".join(lines)


def _against(timing: Timing, base: float, limit: str) -> tuple[str, str, str]:
    return f"{timing.median:.2f} s, {timing.peak_mb:,.0f} MB", f"{timing.median / base:.2f} ×", limit


def _set_up(url: str) -> None:
    os.environ.update(environment(url))
    os.environ["DJANGO_SETTINGS_MODULE"] = "quimbi.settings"
    import django

    django.setup()


def _table(rows: list[Row]) -> str:
    lines = ["| what | median | ratio | at most |", "|---|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows])


def _machine() -> str:
    import psycopg

    with psycopg.connect(SERVER.rsplit("/", 1)[0] + "/postgres") as server:
        version = server.execute("SHOW server_version").fetchone()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    postgres = str(version[0]).split()[0] if version else "?"
    python = platform.python_version()
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {platform.system()}, Python {python}, PostgreSQL {postgres}"


def _write(table: str) -> None:
    text = DOCUMENT.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    heading = f"{date.today():%d %B %Y}: {_machine()}; {CUSTOMERS:,} profiles, {ROUNDS_HERE} rounds."
    DOCUMENT.write_text(f"{before}{BEGIN}\n\n{heading}\n\n{table}\n\n{END}{after}")


if __name__ == "__main__":
    sys.exit(main())
