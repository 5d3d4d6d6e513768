from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from py_mlops.commands.reruns.closure import check_closure
from py_mlops.commands.reruns.reproduce import EXIT_CODES, Options, is_foreign, reproduce
from py_mlops.commands.transfer.bundle import bundle
from py_mlops.commands.transfer.unbundle import unbundle
from py_mlops.errors import InputError, Missing
from py_mlops.progress import Progress
from py_mlops.records import Author, DataFile, Level, Reproduction, Snapshot, record_id
from py_mlops.workspace import Workspace
from tests.handovers import executed, handover, seen, take


def snapshot(workspace: Workspace, taken: str) -> Snapshot:
    """Return a snapshot's record."""
    return workspace.store.get_as(taken, Snapshot)


def entered(workspace: Workspace, taken: str, **parts: Any) -> str:
    """Enter a record that somebody wrote by hand; return its id."""
    record = msgspec.structs.replace(snapshot(workspace, taken), **parts)
    workspace.store.add(record)
    return record_id(record)


def stored(workspace: Workspace, digest: str) -> Path:
    """Return an object's file, made writable."""
    path = workspace.store.folder / "objects" / digest[7:9] / digest[7:]
    path.chmod(0o644)
    return path


def verdicts(workspace: Workspace) -> list[Reproduction]:
    """Return every verdict in the store, newest first."""
    rows = workspace.store.ledger.newest(kind="reproduction")
    return [workspace.store.get_as(row.record, Reproduction) for row in rows]


def stopped(workspace: Workspace, taken: str, options: Options | None = None) -> Reproduction:
    """Reproduce what cannot be; check that nothing was run and that the verdict is kept."""
    steps: list[Progress] = []
    found = reproduce(workspace, taken, options, steps.append)
    assert {step.stage for step in steps} <= {"data", "environment"}
    assert verdicts(workspace)[0] == found
    assert found.level == "cannot"
    assert EXIT_CODES[found.level] == 12
    assert found.cause
    assert [axis.state for axis in found.axes] == ["different"]
    return found


def test_every_verdict_has_an_exit_code() -> None:
    """Whoever calls it from a script can tell them apart."""
    assert set(EXIT_CODES) == set(get_args(Level))
    assert sorted(set(EXIT_CODES.values())) == [0, 10, 11, 12]


@pytest.mark.parametrize("names", [["acuracy"], ["accuracy", "loss"]])
def test_a_tolerance_for_a_metric_that_is_not_there_is_refused(
    workspace: Workspace, taken: str, names: list[str]
) -> None:
    """Before anything runs, and with the names there are; no verdict is kept."""
    steps: list[Progress] = []
    with pytest.raises(InputError, match=names[-1]) as caught:
        reproduce(workspace, taken, Options(dict.fromkeys(names, (0.1, False))), steps.append)
    assert caught.value.hint == "Its metrics are: accuracy."
    assert steps == []
    assert verdicts(workspace) == []


def test_what_is_not_there_is_no_verdict(workspace: Workspace) -> None:
    """There is nothing to keep one about."""
    with pytest.raises(Missing):
        reproduce(workspace, "sha256:" + "0" * 64)


@pytest.mark.parametrize("gone", [True, False])
def test_lost_or_altered_data_is_refused_by_its_name(
    workspace: Workspace, taken: str, gone: bool
) -> None:
    """A damaged input is never trained on."""
    path = stored(workspace, snapshot(workspace, taken).data[0].blobs[0].digest)
    if gone:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:-1] + b"X")
    found = stopped(workspace, taken)
    assert found.reason.startswith("data/flowers.csv (read in cell 1): ")
    assert found.axes[0].name == "data"


@pytest.mark.parametrize("part", ["module", "lock", "history"])
def test_whatever_a_rerun_stands_on_is_checked_first(
    workspace: Workspace, taken: str, part: str
) -> None:
    """Code, lock and history as well as data."""
    record = snapshot(workspace, taken)
    digest = {
        "module": record.program.modules[0].blob.digest,
        "lock": record.environment.lock.digest,
        "history": record.program.history.digest,
    }[part]
    stored(workspace, digest).write_bytes(b"{}")
    stopped(workspace, taken)


def test_an_output_is_not_needed(workspace: Workspace, taken: str) -> None:
    """What the run itself wrote is never restored, so its loss stops nobody."""
    record = snapshot(workspace, taken)
    output = next(file for file in record.data if file.role == "output")
    stored(workspace, output.blobs[0].digest).unlink()
    assert check_closure(workspace, record).cells


def test_another_persons_code_is_not_run_without_a_yes(workspace: Workspace, taken: str) -> None:
    """By author, and the question says whose it is; a no is a verdict."""
    eve = Author(name="Eve", email=None, source="git")
    theirs = entered(workspace, taken, author=eve)
    questions: list[str] = []

    def no(question: str) -> bool:
        questions.append(question)
        return False

    found = stopped(workspace, theirs, Options(ask=no))
    assert found.axes[0].name == "isolation"
    assert "Eve" in found.reason
    assert found.author == workspace.author
    assert len(questions) == 1
    assert "Eve" in questions[0]
    assert "--yes" in found.cause


def test_what_came_in_a_bundle_is_foreign_whoever_it_names(
    workspace: Workspace, elsewhere: Workspace, taken: str, tmp_path: Path
) -> None:
    """An author in a file is only a word; one's own store is trusted."""
    assert not is_foreign(workspace, snapshot(workspace, taken))
    unbundle(elsewhere, bundle(workspace, taken, tmp_path / "a.zip"))
    record = snapshot(elsewhere, taken)
    assert (record.author.name, record.author.email) == (
        elsewhere.author.name, elsewhere.author.email,
    )  # fmt: skip
    assert is_foreign(elsewhere, record)
    stopped(elsewhere, taken)


def test_an_interpreter_that_is_no_interpreter_is_refused(workspace: Workspace, taken: str) -> None:
    """A record written by hand never gets a word of its own onto a command line."""
    environment = snapshot(workspace, taken).environment
    forged = msgspec.structs.replace(
        environment,
        interpreter=msgspec.structs.replace(environment.interpreter, version="--python=/bin/sh"),
    )
    stopped(workspace, entered(workspace, taken, environment=forged))


@pytest.mark.parametrize("role", ["input", "output"])
@pytest.mark.parametrize("evil", ["/data/../../../outside.csv", "relative.csv", "//two", "/a\0b"])
def test_a_path_that_would_leave_the_rerun_is_refused(
    workspace: Workspace, taken: str, evil: str, role: str
) -> None:
    """The rerun's folder is gone afterwards, and nothing was written beside it."""
    known = snapshot(workspace, taken).data[0]
    file: DataFile = msgspec.structs.replace(known, path=evil, role=role)
    found = stopped(workspace, entered(workspace, taken, data=[file]))
    assert "path" in found.reason
    reruns = workspace.cache / "reruns"
    assert not reruns.exists() or list(reruns.iterdir()) == []


def test_a_cell_that_fails_and_all_its_errors_words_become_a_verdict(
    workspace: Workspace, tmp_path: Path
) -> None:
    """A real rerun in a rebuilt environment: exit code 11, the cell and its error, nothing left."""
    (tmp_path / "p").mkdir()
    data = tmp_path / "p" / "in.txt"
    data.write_text("7")
    cells = [
        executed(1, "seven = int(open('in.txt').read())"),
        executed(2, "raise ValueError(f'it is {seven} \\x1b[2J \\udcff')"),
        executed(3, "never = 1"),
    ]
    said = handover(tmp_path / "p", seen(data, requested="in.txt"), cells=cells, entry="console")
    found = reproduce(workspace, take(workspace, tmp_path / "h", said))
    assert (found.level, EXIT_CODES[found.level]) == ("failed", 11)
    assert "[2]" in found.reason
    assert "ValueError: it is 7" in found.reason
    assert verdicts(workspace) == [found]
    assert found.notebook is not None
    assert b"never = 1" in workspace.store.blobs.read(found.notebook.digest)
    assert list((workspace.cache / "reruns").iterdir()) == []
