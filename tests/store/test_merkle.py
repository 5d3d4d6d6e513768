from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from py_mlops.store.ledger import merkle

# The test vectors of the Certificate Transparency project's reference
# implementations (google/certificate-transparency, transparency-dev/merkle).
LEAVES = [
    bytes.fromhex(text)
    for text in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
PATHS = {  # (leaf, size): audit path
    (0, 1): [],
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
PROOFS = {  # (first, second): consistency proof
    (1, 1): [],
    (1, 8): PATHS[0, 8],
    (6, 8): [
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 5): [
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}


class Tree:
    """A tree in memory that keeps what `merkle.completed` yields."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        """Append leaf after leaf."""
        self.nodes: dict[tuple[int, int], bytes] = {}
        for seq, data in enumerate(leaves):
            for level, index, digest in merkle.completed(seq, merkle.leaf_hash(data), self.find):
                self.nodes[level, index] = digest

    def find(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + naive_root(leaves[:k]) + naive_root(leaves[k:])).digest()


def naive_path(m: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m < k:
        return [*naive_path(m, leaves[:k]), naive_root(leaves[k:])]
    return [*naive_path(m - k, leaves[k:]), naive_root(leaves[:k])]


def naive_proof(m: int, leaves: Sequence[bytes], *, whole: bool = True) -> list[bytes]:
    """RFC 6962 §2.1.2, word for word: SUBPROOF(m, D[n], b)."""
    if m == len(leaves):
        return [] if whole else [naive_root(leaves)]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    if m <= k:
        return [*naive_proof(m, leaves[:k], whole=whole), naive_root(leaves[k:])]
    return [*naive_proof(m - k, leaves[k:], whole=False), naive_root(leaves[:k])]


@pytest.mark.parametrize("size", range(9))
def test_published_roots(size: int) -> None:
    """The roots are those Certificate Transparency publishes for its eight test leaves."""
    assert merkle.root(size, Tree(LEAVES).find).hex() == ROOTS[size]


@pytest.mark.parametrize(("seq", "size"), PATHS)
def test_published_audit_paths(seq: int, size: int) -> None:
    """The audit paths are the published ones, and they verify."""
    path = merkle.inclusion(seq, size, Tree(LEAVES).find)
    assert [item.hex() for item in path] == PATHS[seq, size]
    leaf = merkle.leaf_hash(LEAVES[seq])
    assert merkle.verify_inclusion(leaf, seq, size, path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("first", "second"), PROOFS)
def test_published_consistency_proofs(first: int, second: int) -> None:
    """The consistency proofs are the published ones, and they verify."""
    proof = merkle.consistency(first, second, Tree(LEAVES).find)
    assert [item.hex() for item in proof] == PROOFS[first, second]
    roots = (bytes.fromhex(ROOTS[first]), bytes.fromhex(ROOTS[second]))
    assert merkle.verify_consistency(first, second, *roots, proof)


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=70), st.data())
def test_paths_are_those_of_the_definition(leaves: list[bytes], data: st.DataObject) -> None:
    """Roots and audit paths from stored subtrees equal the RFC's recursive definition."""
    seq = data.draw(st.integers(0, len(leaves) - 1))
    find = Tree(leaves).find
    root, path = merkle.root(len(leaves), find), merkle.inclusion(seq, len(leaves), find)
    assert root == naive_root(leaves)
    assert path == naive_path(seq, leaves)
    leaf = merkle.leaf_hash(leaves[seq])
    assert merkle.verify_inclusion(leaf, seq, len(leaves), path, root)


@given(st.integers(1, 70), st.data())
def test_consistency_proofs_are_those_of_the_definition(size: int, data: st.DataObject) -> None:
    """Consistency proofs equal the RFC's definition and verify for every older tree."""
    leaves = [b"%d" % number for number in range(size)]
    first = data.draw(st.integers(1, size))
    find = Tree(leaves).find
    proof = merkle.consistency(first, size, find)
    assert proof == naive_proof(first, leaves)
    roots = naive_root(leaves[:first]), naive_root(leaves)
    assert merkle.verify_consistency(first, size, *roots, proof)
    assert merkle.verify_consistency(0, size, merkle.EMPTY, roots[1], [])


@given(st.integers(2, 40), st.data())
def test_a_changed_proof_proves_nothing(size: int, data: st.DataObject) -> None:
    """A path that is shorter, longer, altered, or for another leaf, position or root is refused."""
    leaves = [b"%d" % number for number in range(size)]
    seq = data.draw(st.integers(0, size - 1))
    find = Tree(leaves).find
    root, path = merkle.root(size, find), merkle.inclusion(seq, size, find)
    leaf = merkle.leaf_hash(leaves[seq])
    spoilt = data.draw(st.integers(0, len(path) - 1))
    altered = [*path[:spoilt], merkle.EMPTY, *path[spoilt + 1 :]]
    for wrong in (path[:-1], [*path, root], altered):
        assert not merkle.verify_inclusion(leaf, seq, size, wrong, root)
    assert not merkle.verify_inclusion(merkle.leaf_hash(b"x"), seq, size, path, root)
    assert not merkle.verify_inclusion(leaf, seq, size, path, merkle.EMPTY)
    for place in (-1, size, (seq + 1) % size):
        assert not merkle.verify_inclusion(leaf, place, size, path, root)


@given(st.integers(2, 40), st.data())
def test_a_rewritten_log_is_not_consistent(size: int, data: st.DataObject) -> None:
    """No honest proof shows that a log extends one whose rows were different."""
    first = data.draw(st.integers(1, size - 1))
    leaves = [b"%d" % number for number in range(size)]
    find = Tree(leaves).find
    proof, root = merkle.consistency(first, size, find), merkle.root(size, find)
    rewritten = naive_root([b"x", *leaves[1:first]])
    assert not merkle.verify_consistency(first, size, rewritten, root, proof)
    old = naive_root(leaves[:first])
    assert not merkle.verify_consistency(first, size, old, root, [*proof, root])
    assert not merkle.verify_consistency(first, size, old, root, proof[:-1])
    assert not merkle.verify_consistency(size, first, root, old, proof)
