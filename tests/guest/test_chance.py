from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from py_mlops.guest.chance import FILE, SETTINGS, VARIABLE
from py_mlops.notebook.execution import KernelCommand, execute
from py_mlops.notebook.ship import guest_zip
from py_mlops.records.handover import Handover, SeenRandomness

KEEP = "import sys\nsys.modules['mlops_guest.chance'].chance().write('.')"
SEEN = "import json, sys\nprint(json.dumps(sys.modules['mlops_guest.chance'].chance().seen()))"
DRAW = "import random\nrandom.random(), random.gauss(0, 1), random.sample(range(99), 5)"
DRAW_NUMPY = (
    "import numpy as np\n"
    "rng = np.random.default_rng()\n"
    "[float(x) for x in (np.random.rand(), np.random.randn(), rng.normal(),\n"
    " np.random.RandomState().rand(), np.random.default_rng().random())]"
)
RESEED = "np.random.seed()\nfloat(np.random.rand())"
TRAIN = """
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
import warnings; warnings.simplefilter("ignore")
X, y = load_iris(return_X_y=True)
Xa, Xb, ya, yb = train_test_split(X, y)
forest = RandomForestClassifier(20, n_jobs=2).fit(Xa, ya)
network = MLPClassifier((8,), max_iter=30).fit(Xa, ya)
"""
ANSWERS = (
    "import hashlib\n"
    "hashlib.sha256(forest.predict_proba(X).tobytes() + network.predict_proba(X).tobytes()"
    " + Xb.tobytes()).hexdigest()"
)


@pytest.fixture(scope="module")
def guest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the guest as it is shipped."""
    return guest_zip(tmp_path_factory.mktemp("cache"))


def shown(guest: Path, folder: Path, *sources: str, mode: str = "record", **environ: str) -> Any:
    """Run cells in a kernel under the guest; return what each showed last."""
    env = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    cells = [new_code_cell(text, id=f"c{number}") for number, text in enumerate(sources)]
    argv = [sys.executable, str(guest), "--mode", mode, "-f", "{connection_file}"]
    kernel = KernelCommand(argv=argv, env=env | environ)
    done = execute(new_notebook(cells=cells), kernel=kernel, directory=folder)
    assert done.failed is None, done.failed
    last = [cell.outputs[-1] if cell.outputs else {} for cell in done.notebook.cells]
    return [out["text"] if "text" in out else out.get("data", {}).get("text/plain") for out in last]


def again(guest: Path, folder: Path, *sources: str) -> Any:
    """Run the same cells in a new kernel that begins with the chance kept in the folder."""
    return shown(guest, folder, *sources, mode="rerun", **{VARIABLE: str(folder / FILE)})


def test_an_unseeded_training_comes_out_the_same(guest: Path, tmp_path: Path) -> None:
    """A forest, a network and a split without any seed give the same answers in a rerun."""
    first = shown(guest, tmp_path, TRAIN, ANSWERS, KEEP)
    other = shown(guest, tmp_path, TRAIN, ANSWERS)
    rerun = again(guest, tmp_path, TRAIN, ANSWERS)
    assert first[1] == rerun[1]
    assert first[1] != other[1]


def test_every_kind_of_unseeded_draw(guest: Path, tmp_path: Path) -> None:
    """Python's generator, numpy's global one and its unseeded new ones draw the same again."""
    cells = (DRAW, DRAW_NUMPY, RESEED)
    first = shown(guest, tmp_path, *cells, KEEP)
    assert first[:3] == again(guest, tmp_path, *cells)[:3]
    assert first[:3] != shown(guest, tmp_path, *cells)[:3]


def test_a_session_watched_from_its_second_cell_on(guest: Path, tmp_path: Path) -> None:
    """Loaded in the middle, the chance is put back where the program loads us, not before."""
    begin = (
        "import sys, os\nsys.path.insert(0, os.environ['GUEST'])\n"
        "from mlops_guest import session\nsession.start(get_ipython())"
    )
    load = "%load_ext py_mlops"
    env = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    cells = [new_code_cell(text) for text in (DRAW_NUMPY, begin, RESEED, DRAW, DRAW_NUMPY, KEEP)]
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    kernel = KernelCommand(argv=argv, env=env | {"GUEST": str(guest)})
    done = execute(new_notebook(cells=cells), kernel=kernel, directory=tmp_path)
    assert done.failed is None, done.failed
    first = [cell.outputs[-1].data["text/plain"] for cell in done.notebook.cells[2:5]]
    rerun = again(guest, tmp_path, DRAW_NUMPY, load, RESEED, DRAW, DRAW_NUMPY)
    assert rerun[2:] == first


def test_what_is_handed_over(guest: Path, tmp_path: Path) -> None:
    """Hash seed, settings of a fixed list and the generators' names are told; nothing else."""
    environ = {"PYTHONHASHSEED": "7", "OMP_NUM_THREADS": "2", "API_KEY": "x"}
    program = (
        "import json, os, numpy.random\nos.environ['API_KEY']; os.getenv('PROXY')\n"
        "from mlops_guest.session import hand_over_end\n"
        "asked = {'name': 'm', 'model': None, 'metrics': [], 'holdout': None}\n"
        "hand_over_end(json.dumps(asked), '.')"
    )
    shown(guest, tmp_path, program, **environ)
    handed = msgspec.json.decode((tmp_path / "handover.json").read_bytes(), type=Handover)
    assert [one.name for one in handed.variables] == ["API_KEY", "PROXY"]
    seen = handed.randomness
    assert set(json.loads((tmp_path / seen.file).read_text())) == {
        *("version", "moment", "random", "numpy.random", "entropy", "between"),
    }
    assert seen.hash_seed == "7"
    assert seen.settings == {"OMP_NUM_THREADS": "2"} | {
        name: os.environ[name] for name in SETTINGS if name in os.environ and name[:3] != "OMP"
    }
    assert seen.generators == ["random", "numpy.random", "numpy.random.default_rng"]
    (text,) = shown(guest, tmp_path, SEEN)
    seen = msgspec.json.decode(text, type=SeenRandomness)
    assert (seen.hash_seed, seen.generators) == ("random", ["random"])


def test_what_serves_security_stays_random(guest: Path, tmp_path: Path) -> None:
    """Tokens, uuids and the system's entropy are neither kept nor repeated."""
    cell = "import os, secrets, uuid, numpy\nsecrets.token_hex(), uuid.uuid4(), os.urandom(8)"
    (first, _) = shown(guest, tmp_path, cell, KEEP)
    assert [first] != again(guest, tmp_path, cell)


def test_forked_workers_do_not_repeat_each_other(guest: Path, tmp_path: Path) -> None:
    """In a rerun the generators that two workers make unseeded are still different ones."""
    (tmp_path / "work.py").write_text(
        "import numpy as np\ndef draw(_):\n    return float(np.random.default_rng().random())\n"
    )
    cell = (
        "import multiprocessing, numpy as np, work\nfirst = np.random.default_rng().random()\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool:\n"
        "    drawn = pool.map(work.draw, range(2), chunksize=1)\n"
        "len({*drawn, float(np.random.default_rng().random())})"
    )
    assert shown(guest, tmp_path, cell, KEEP)[0] == "3"
    assert again(guest, tmp_path, cell) == ["3"]


@pytest.mark.parametrize("text", ["", '{"random": [3, [1], null]}'])
def test_a_damaged_file_leaves_a_kernel(guest: Path, tmp_path: Path, text: str) -> None:
    """A file that holds no chance changes nothing: the rerun draws, and names nothing put back."""
    (tmp_path / FILE).write_text(text)
    drawn, seen = again(guest, tmp_path, DRAW, SEEN)
    assert drawn
    assert json.loads(seen)["generators"] == []


IN_ONE_PROCESS = """
import sys, os, pickle, copy
import numpy as np
from py_mlops.guest.chance import Chance
plain = type(np.random.default_rng()), type(np.random.SeedSequence())
held = Chance(); held.begin(None, loaded=False)
rng = np.random.default_rng(); seq = np.random.SeedSequence()
assert (type(rng), type(seq)) == plain
assert pickle.loads(pickle.dumps(rng)).random() == copy.deepcopy(rng).random()
same = np.random.SeedSequence(seq.entropy)
assert same.generate_state(2).tolist() == seq.generate_state(2).tolist()
assert seq.entropy.bit_length() > 64 and held._draws >= 2
assert isinstance(np.random.default_rng(np.random.PCG64()), np.random.Generator)
assert np.random.default_rng(5).random() == np.random.Generator(np.random.PCG64(5)).random()
for _ in range(70000): np.random.bit_generator.randbits(128)
assert sum(map(len, held._entropy.values())) == 65536
print("fine")
"""


def test_generators_stay_what_they_are() -> None:
    """Type, pickles, copies and seeds of numpy's generators stay; what is kept is bounded."""
    done = subprocess.run(
        [sys.executable, "-c", IN_ONE_PROCESS], capture_output=True, text=True, check=False
    )
    assert done.stdout == "fine\n", done.stderr


def test_keeping_draws_nothing() -> None:
    """Where the states are kept, the program goes on to draw what it would have drawn."""
    code = (
        "import random, numpy as np\nfrom py_mlops.guest.chance import Chance\n"
        "random.seed(1); np.random.seed(1)\nChance().begin(None, loaded=True)\n"
        "print(random.random(), np.random.rand())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    expected = (random.Random(1).random(), np.random.RandomState(1).rand())
    assert done.stdout.split() == [str(value) for value in expected]
