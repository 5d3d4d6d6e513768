from __future__ import annotations

from pathlib import Path

from tests.live import live_kernel
from tests.projects import mlops


def test_a_session_in_the_root_folder_is_reproduced(tmp_path: Path, store_folder: Path) -> None:
    """A kernel that was started in ``/``, as some containers do, works as in any other folder."""
    data = tmp_path / "raw.csv"
    data.write_text("1\n2\n3\n")
    with live_kernel(Path("/"), store_folder) as kernel:
        kernel.run("%load_ext py_mlops")
        kernel.run(f"total = sum(map(int, open({str(data)[1:]!r}).read().split()))")
        assert "captured" in kernel.run("%mlops snapshot rooted --metric total")
    data.unlink()
    ended = mlops("reproduce", "rooted", "--json")
    assert ended.value["level"] == "identical", ended.out
    assert mlops("restore", "rooted", tmp_path / "again").code == 0
    assert (tmp_path / "again" / str(data)[1:]).read_text() == "1\n2\n3\n"
