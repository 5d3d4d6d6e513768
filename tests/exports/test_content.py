"""What an export tells, what it leaves out, and that nothing in it is invented."""

from __future__ import annotations

import json
from typing import Any

import pytest

from py_mlops.errors import InputError
from py_mlops.exports import STANDARDS
from tests.exports.materials import CASES, FULL, bare, blob, data, material

JSON = ["in-toto", "ro-crate", "cyclonedx"]


def text(standard: str, case: str = "rerun") -> str:
    """Return an export of one of the cases."""
    return STANDARDS[standard].export(CASES[case]()).decode()


def load(standard: str, case: str = "rerun") -> Any:
    """Return an export as JSON values."""
    return json.loads(text(standard, case))


def events(case: str) -> list[Any]:
    """Return the run events of a case."""
    return [json.loads(line) for line in text("openlineage", case).splitlines()]


@pytest.mark.parametrize("standard", STANDARDS)
def test_it_names_what_matters(standard: str) -> None:
    """Each tells digests of model, data and program, author, metrics, level, holes and verdict."""
    told = text(standard)
    for name in ("skops", "pickle", "notebook", "history"):
        assert blob(name)["digest"][7:] in told, name
    assert blob("/mnt/shared/secret-project/extra.parquet")["digest"][7:] in told
    for words in ("Ada Tester", "accuracy", "0.96875", "observed", "identical", "Ben"):
        assert words in told
    assert "gone.csv is gone" in told.replace("\\", "")
    assert "ada@example.org" in told


@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize("case", ["full", "failed"])
def test_it_does_not_tell_what_is_nobodys_business(standard: str, case: str) -> None:
    """No folder of the author's machine, address, cell, statement or direct URL of a file."""
    told = text(standard, case)
    for private in (
        "/srv/people", "/mnt/shared", "secret-project", "@example.org", "secret_source", "SELECT",
        "file://", "Europe/Zurich",
    ):  # fmt: skip
        assert private not in told, private


@pytest.mark.parametrize("standard", STANDARDS)
def test_the_same_records_give_the_same_bytes(standard: str) -> None:
    """An export can be made again and compared by its digest."""
    assert text(standard) == text(standard)


def test_a_file_is_named_from_the_notebooks_folder() -> None:
    """Inside by its relative path, outside by its content and name, and so in sentences."""
    names = [file.name for file in CASES["full"]().inputs]
    digits = blob("/mnt/shared/secret-project/extra.parquet")["digest"][7:19]
    assert names == [
        "data/flowers.csv", "data/copy.csv", f"elsewhere/{digits}/extra.parquet", "gone.csv",
        "large.bin",
    ]  # fmt: skip
    assert CASES["full"]().holes == ["gone.csv is gone.", "`cp ~/notes.txt .` ran in a shell."]


def test_a_folder_that_only_begins_alike_is_another_one() -> None:
    """Of ``/srv/people/ada2`` nothing is cut off, as if it were below ``/srv/people/ada``."""
    paths = CASES["full"]().paths
    assert paths.told("in /srv/people/ada2/x") == "in /srv/people/ada2/x"
    assert paths.told("in /srv/people/ada/flowers, /srv/people/ada") == "in ., ~"
    assert paths.told("-I/srv/people/ada/flowers/lib") == "-Ilib"


def test_a_path_that_climbs_out_is_not_below_the_folder() -> None:
    """A hostile record's ``..`` does not come out as a relative path."""
    said = FULL | {"data": [data("/srv/people/ada/flowers/../../../etc/passwd")]}
    name = material(said).inputs[0].name
    assert ".." not in name
    assert name.startswith("elsewhere/")


def test_statement() -> None:
    """The subjects are the model's forms and the written files; packages have wheel digests."""
    statement = load("in-toto", "different")
    subjects = {item["name"]: item["digest"]["sha256"] for item in statement["subject"]}
    assert subjects == {
        "flowers.skops": blob("skops")["digest"][7:],
        "flowers.pickle": blob("pickle")["digest"][7:],
        "report.json": blob("/srv/people/ada/flowers/report.json")["digest"][7:],
    }
    build = statement["predicate"]["buildDefinition"]
    assert build["externalParameters"]["parameters"] == FULL["parameters"]
    assert build["internalParameters"]["parents"] == FULL["parents"]
    needed = {item["name"]: item for item in build["resolvedDependencies"]}
    wheel = needed["scikit_learn-1.7.2-py3-none-any.whl"]
    assert wheel["digest"]["sha256"] == blob("scikit-learn")["digest"][7:]
    assert wheel["uri"].startswith("pkg:pypi/scikit-learn@1.7.2?")
    assert needed["large.bin#1"]["digest"]["sha256"] == blob("first")["digest"][7:]
    assert "gone.csv" not in needed
    run = statement["predicate"]["runDetails"]
    assert run["metadata"]["finishedOn"] == FULL["created"]
    assert "startedOn" not in run["metadata"]  # no record knows it
    verdict = next(item for item in run["byproducts"] if item["name"] == "reproduction")
    assert verdict["annotations"]["level"] == "different"


def test_only_what_an_index_has_is_its_package() -> None:
    """A working tree or an unknown build is not given out as the index's package of that name."""
    urls = [package.purl for package in CASES["full"]().packages]
    assert [url.partition("?")[0] for url in urls] == [
        "pkg:pypi/scikit-learn@1.7.2",
        "pkg:pypi/torch@2.13.0%2Bcpu",
        "pkg:generic/flowers-lib@0.1",
        "pkg:generic/measuring@2",
        "pkg:generic/oddity@1%210.1rc1",
    ]
    assert "vcs_url=git%2Bhttps://example.org/measuring.git%40abc" in urls[3]


def test_crate() -> None:
    """The run is its author's action, with files as objects and results; equal bytes are one."""
    graph = {item["@id"]: item for item in load("ro-crate", "different")["@graph"]}
    run = graph["#run"]
    assert graph[run["agent"]["@id"]]["name"] == "Ada Tester"
    objects = [graph[item["@id"]] for item in run["object"]]
    flowers = next(item for item in objects if item["name"] == "data/flowers.csv")
    assert flowers["alternateName"] == "data/copy.csv"
    assert flowers["encodingFormat"] == "text/csv"
    results = {graph[item["@id"]]["name"] for item in run["result"]}
    assert results == {"flowers.skops", "flowers.pickle", "report.json", "accuracy", "scores.f1"}
    review = next(item for item in graph.values() if item["@type"] == "Review")
    assert review["reviewBody"].startswith("different")


def test_a_licence_is_never_invented() -> None:
    """The crate, which must have one, says that none is recorded; the others have none."""
    root = next(item for item in load("ro-crate", "full")["@graph"] if item["@id"] == "./")
    assert root["license"].startswith("No licence is recorded.")
    assert "licen" not in text("model-card", "full").lower()
    assert "licenses" not in text("cyclonedx", "full")
    assert 'license: "Apache-2.0"' in text("model-card")


def test_what_one_run_wrote_and_another_read_is_one_dataset() -> None:
    """Datasets are named by content, so lineage tools join runs whatever the files were called."""
    written = material(bare()).outputs[0].blobs[0].digest[7:]
    reads = FULL | {
        "data": [data("/elsewhere/in.txt", "input", blob("/srv/people/ada/flowers/out.txt"))]
    }
    run = json.loads(STANDARDS["openlineage"].export(material(reads)).splitlines()[0])
    made = events("bare")[0]["outputs"]
    assert [(item["namespace"], item["name"]) for item in made] == [("sha256", written)]
    assert ("sha256", written) in [(item["namespace"], item["name"]) for item in run["inputs"]]


@pytest.mark.parametrize(
    ("case", "kinds"),
    [
        ("full", ["COMPLETE"]),
        ("different", ["COMPLETE", "START", "COMPLETE"]),
        ("failed", ["COMPLETE", "START", "FAIL"]),
        ("cannot", ["COMPLETE", "START", "ABORT"]),
    ],
)
def test_run_events(case: str, kinds: list[str]) -> None:
    """A rerun's length is known, so it has a start; the snapshot's own start nobody knows."""
    found = events(case)
    assert [event["eventType"] for event in found] == kinds
    if len(found) > 1:
        assert found[1]["eventTime"] == "2026-10-01T08:29:48.250000Z"
        assert found[1]["run"]["runId"] == found[2]["run"]["runId"] != found[0]["run"]["runId"]


def test_a_file_whose_content_nobody_knows_has_no_digest() -> None:
    """It is a dataset of this snapshot alone, with its name and nothing made up."""
    gone = next(item for item in events("full")[0]["inputs"] if item["name"] == "gone.csv")
    assert gone["namespace"].startswith("ni:///sha-256;")
    assert set(gone["facets"]) == {"datasetType", "pymlops_files"}
    bill = {item["name"]: item for item in load("cyclonedx")["components"]}
    assert "hashes" not in bill["gone.csv"]


def test_bill_of_materials() -> None:
    """The model stands on its data, program and packages, and its card has metrics and limits."""
    bill = load("cyclonedx", "different")
    model = bill["metadata"]["component"]
    assert model["type"] == "machine-learning-model"
    assert [item["name"] for item in model["components"]] == ["flowers.skops", "flowers.pickle"]
    card = model["modelCard"]
    assert card["modelParameters"]["modelArchitecture"] == "sklearn.svm._classes.SVC"
    metrics = card["quantitativeAnalysis"]["performanceMetrics"]
    assert metrics[0] == {"type": "accuracy", "value": "0.96875"}
    assert "gone.csv is gone." in card["considerations"]["technicalLimitations"]
    names = {item["bom-ref"]: item["name"] for item in bill["components"]}
    needed = [names[ref] for ref in bill["dependencies"][0]["dependsOn"]]
    assert {"data/flowers.csv", "scikit-learn", "cpython", "train.ipynb"} <= set(needed)
    assert "report.json" not in needed


@pytest.mark.parametrize("standard", ["cyclonedx", "model-card"])
def test_without_a_model_there_is_no_model_card(standard: str) -> None:
    """The refusal says which exports speak of such a snapshot."""
    with pytest.raises(InputError, match="holds no model") as refused:
        text(standard, "bare")
    assert "ro-crate" in refused.value.hint


def test_a_statement_is_about_something() -> None:
    """Without model and written file there is nothing to state."""
    with pytest.raises(InputError, match="about nothing"):
        STANDARDS["in-toto"].export(material(bare() | {"data": []}))
