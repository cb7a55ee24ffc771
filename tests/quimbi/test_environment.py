"""What the environment may say, and the one sentence that it gets for anything else."""

import pytest

from quimbi import environment


def test_an_empty_variable_counts_as_none(monkeypatch):
    for name in ("A", "B", "C", "D", "DATABASE_URL", "REDIS_URL"):
        monkeypatch.setenv(name, "  ")
    assert environment.text("A", "default") == "default"
    assert environment.whole_number("B", 7) == 7
    assert environment.words("C", "x,y") == ["x", "y"]
    assert environment.switch("D", True) is True
    assert environment.database("DATABASE_URL") is None
    assert environment.redis("REDIS_URL") == ""


def test_values_are_read_as_what_they_are(monkeypatch):
    monkeypatch.setenv("A", " shop.example , ,other.example ")
    monkeypatch.setenv("B", "On")
    monkeypatch.setenv("C", "0.25")
    assert environment.words("A") == ["shop.example", "other.example"]
    assert environment.switch("B") is True
    assert environment.share("C", 0.5) == 0.25


def test_a_database_address_keeps_its_escaped_password(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://shop:p%40ss%2Fword@db.example:5433/quimbi")
    found = environment.database("DATABASE_URL")
    assert found is not None
    assert found["ENGINE"] == "django.db.backends.postgresql"
    assert (found["HOST"], found["PORT"], found["NAME"]) == ("db.example", 5433, "quimbi")
    assert found["PASSWORD"] == "p@ss/word"


def test_a_database_file_may_lie_under_a_name_with_spaces(monkeypatch, tmp_path):
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{tmp_path}/our shop.sqlite3")
    found = environment.database("DATABASE_URL")
    assert found is not None
    assert found["NAME"] == f"{tmp_path}/our shop.sqlite3"


@pytest.mark.parametrize(
    ("read", "value", "instead"),
    [
        (lambda: environment.switch("X"), "maybe", "write true or false"),
        (lambda: environment.one_of("X", ("demo", "production"), "demo"), "prod", "write one of demo, production"),
        (lambda: environment.whole_number("X", 1, least=1), "4GB", "write a whole number from 1 up"),
        (lambda: environment.whole_number("X", 1, least=1), "0", "write a whole number from 1 up"),
        (lambda: environment.number("X", 1.0), "nan", "write a number from 0 up"),
        (lambda: environment.share("X", 0.5), "85", "write a number from 0 to 1"),
        (lambda: environment.database("X"), "quimbi.sqlite3", "write postgres://"),
        (lambda: environment.database("X"), "mysql://shop:secret@db.example/quimbi", "write postgres://"),
        (lambda: environment.database("X"), "postgres://shop:secret@db.example:99999/quimbi", "write postgres://"),
        (lambda: environment.database("X"), "postgres://shop:secret@db.example", "write postgres://"),
        (lambda: environment.redis("X"), "localhost:6379", "write redis://"),
    ],
)
def test_a_value_that_cannot_be_right_stops_the_start_with_one_sentence(monkeypatch, capsys, read, value, instead):
    monkeypatch.setenv("X", value)
    with pytest.raises(SystemExit) as stopped:
        read()
    said = capsys.readouterr().err
    assert stopped.value.code == environment.UNFIT
    assert said.startswith("Quimbi does not start: X is ")
    assert instead in said
    assert said.count("\n") == 1
    assert "secret" not in said


def test_a_folder_is_made_and_one_that_cannot_be_is_refused(monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("X", str(tmp_path / "a shop" / "state"))
    assert environment.folder("X", tmp_path).is_dir()
    (tmp_path / "file").touch()
    monkeypatch.setenv("X", str(tmp_path / "file" / "state"))
    with pytest.raises(SystemExit):
        environment.folder("X", tmp_path)
    assert "set X to a folder that can" in capsys.readouterr().err


def test_a_folder_of_somebody_else_is_refused(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(SystemExit):
        environment.folder("UNSET", tmp_path)
    assert "belongs to somebody else; take it over (chown) or set UNSET to another folder." in capsys.readouterr().err


def test_origins_are_written_as_browsers_send_them(monkeypatch):
    monkeypatch.setenv("A", "https://shop.example, http://localhost:3000")
    assert environment.origins("A") == ["https://shop.example", "http://localhost:3000"]
    for wrong in ("shop.example", "https://shop.example/", "https://Shop.example", "*", "null", "ftp://shop.example"):
        monkeypatch.setenv("A", wrong)
        with pytest.raises(SystemExit):
            environment.origins("A")
