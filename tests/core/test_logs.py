"""The log: silent in a library, told by its doors, and without a secret in any line."""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ketl import logs
from ketl._words import hide_key
from ketl.errors import RunError, SettingsError

KEY = "gsk_aB3dE9fG2hJ4kL6m"


@pytest.fixture(autouse=True)
def as_found() -> Iterator[None]:
    """Give the package's logger back as it was: it belongs to the whole process."""
    logger = logging.getLogger("ketl")
    level, handlers = logger.level, list(logger.handlers)
    yield
    logger.setLevel(level)
    logger.handlers[:] = handlers


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_library_says_nothing_unasked() -> None:
    code = "import logging, ketl; logging.getLogger('ketl.engine').error('lost')"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (said.stdout, said.stderr) == ("", "")


def test_a_line_has_time_level_logger_and_message(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(1, {})
    logs.get_logger("ketl.engine").info("Run %s: %d requests.", "ab12", 7)
    (line,) = lines(capsys)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO ketl\.engine Run ab12: 7 requests\.", line)


@pytest.mark.parametrize(
    ("verbosity", "environment", "heard"),
    [
        (0, {}, ["error"]),
        (1, {}, ["info", "error"]),
        (2, {}, ["debug", "info", "error"]),
        (5, {}, ["debug", "info", "error"]),
        (0, {"KETL_LOG": "debug"}, ["debug", "info", "error"]),
        (0, {"KETL_LOG": " Info "}, ["info", "error"]),
        (0, {"KETL_LOG": "CRITICAL"}, []),
        (1, {"KETL_LOG": "ERROR"}, ["info", "error"]),
    ],
)
def test_the_flag_counts_before_the_environment(
    verbosity: int, environment: dict[str, str], heard: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    logs.set_up(verbosity, environment)
    logger = logs.get_logger("ketl.runs")
    for level in ("debug", "info", "error"):
        getattr(logger, level)(level)
    assert [line.rpartition(" ")[2] for line in lines(capsys)] == heard


def test_setting_up_again_says_nothing_twice(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(1, {})
    logs.set_up(1, {})
    logs.get_logger("ketl.runs").info("once")
    assert len(lines(capsys)) == 1


def test_an_unknown_level_is_a_sentence() -> None:
    with pytest.raises(SettingsError, match=r"KETL_LOG takes one of DEBUG, INFO.* not “loud”\."):
        logs.set_up(0, {"KETL_LOG": "loud"})
    with pytest.raises(SettingsError, match="Did you mean WARNING?"):
        logs.set_up(0, {"KETL_LOG": "warn"})


def test_ketl_log_reaches_a_program_and_a_wrong_one_ends_it(tmp_path: Path) -> None:
    code = "import sys; from ketl.cli import main; from ketl import logs; status = main(['languages', '--json']); "
    code += "logs.get_logger('ketl.x').info('heard'); sys.exit(status)"
    for level, status, said in (("INFO", 0, "INFO ketl.x heard"), ("loud", 2, "KETL_LOG takes one of")):
        ended = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env={"KETL_LOG": level, "HOME": str(tmp_path)}
        )
        assert ended.returncode == status
        assert said in ended.stderr


def test_no_secret_leaves_in_message_arguments_or_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    hide_key("house-4711-secret")
    logs.set_up(2, {})
    logger = logs.get_logger("ketl.provider")
    logger.info(f"key {KEY}")
    logger.info("of %s with %s", "org_01hxyz890abc", "house-4711-secret")
    try:
        try:
            raise ValueError(f"Bearer {KEY}")
        except ValueError as error:
            raise RuntimeError("organization org_01hxyz890abc") from error
    except RuntimeError:
        logger.exception("Request failed with %s", KEY, stack_info=True)
    said = capsys.readouterr().err
    assert "ValueError: Bearer …" in said and "RuntimeError: organization …" in said and "which led to:" in said
    assert not re.search(r"gsk_a|org_01|4711", said)


def test_a_foreign_program_s_handlers_get_no_secret_either() -> None:
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    logger = logs.get_logger("ketl.provider")
    logging.getLogger().addHandler(handler)
    try:
        raise OSError(f"refused {KEY}")
    except OSError:
        logger.error("Key %s", KEY, exc_info=True)
    finally:
        logging.getLogger().removeHandler(handler)
    assert "Key …" in heard.getvalue() and "OSError: refused …" in heard.getvalue() and "gsk_" not in heard.getvalue()


def fail_with(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("error", [KeyError("Merino wool hoodie"), ValueError("bad “Merino wool hoodie”")])
def test_a_product_s_text_stays_out_of_the_log_above_debug(
    error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    for verbosity, quoted in ((1, False), (2, True)):
        logs.set_up(verbosity, {})
        try:
            fail_with(error)
        except Exception:
            logs.report(logs.get_logger("ketl.engine"), "Run %s, request %d failed inside.", "ab12", 3)
        said = capsys.readouterr().err
        assert ("Merino" in said) is quoted
        assert type(error).__name__ in said and "in fail_with" in said and "ab12, request 3" in said


@pytest.mark.parametrize(
    "error", [RunError("The journal is full."), OSError(28, "No space left"), TypeError("'int' is not iterable")]
)
def test_messages_that_quote_no_text_are_kept(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(0, {})
    try:
        fail_with(error)
    except Exception:
        logs.report(logs.get_logger("ketl.engine"), "Failed inside.")
    assert str(error) in capsys.readouterr().err


def test_the_errors_of_a_group_are_all_told(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(0, {})
    try:
        raise ExceptionGroup("two at once", [OSError("first"), ExceptionGroup("more", [TypeError("second")])])
    except ExceptionGroup:
        logs.report(logs.get_logger("ketl.engine"), "Failed inside.")
    said = capsys.readouterr().err
    assert "OSError: first" in said and "TypeError: second" in said


def test_a_reference_is_short_new_each_time_and_finds_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.set_up(0, {})
    try:
        fail_with(TypeError("wrong"))
    except TypeError:
        found_by = logs.report(logs.get_logger("ketl.engine"), "Request %d failed inside.", 3)
    first = lines(capsys)[0]
    assert first.endswith(f"ERROR ketl.engine Request 3 failed inside. Reference {found_by}.")
    assert re.fullmatch(r"[a-z2-9]{6}", found_by)
    assert len({logs.reference() for _ in range(200)}) == 200
    assert logs.where_to_look("k3f9a2") == "Reference k3f9a2: look for it in the log."
