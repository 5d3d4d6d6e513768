"""Merkle trees as RFC 6962 defines them: roots, audit paths and consistency proofs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence

Lookup = Callable[[int, int], bytes]
"""Returns the hash of the complete subtree at (level, index).

Level 0 are the leaves; (level, index) covers the leaves from ``index << level``
on, ``1 << level`` of them. These hashes never change once a tree has grown
past them, so a log stores them and needs O(log n) of them for any answer.
"""

EMPTY = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962 §2.1)."""


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of a leaf, ``sha256(0x00 || data)`` (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node, ``sha256(0x01 || left || right)`` (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def completed(seq: int, leaf: bytes, node: Lookup) -> Iterator[tuple[int, int, bytes]]:
    """Yield every complete subtree that appending a leaf finishes, lowest first.

    Args:
        seq: The leaf's position, the size of the tree before it.
        leaf: Its leaf hash.
        node: Finds the subtrees that were complete before.

    Yields:
        Level, index and hash, the leaf itself (level 0) first.
    """
    level, index, digest = 0, seq, leaf
    yield level, index, digest
    while index % 2:
        digest = node_hash(node(level, index - 1), digest)
        level, index = level + 1, index // 2
        yield level, index, digest


def peaks(size: int) -> list[tuple[int, int]]:
    """Return level and index of the complete subtrees a tree consists of, largest first."""
    return _peaks(0, size)


def _peaks(start: int, end: int) -> list[tuple[int, int]]:
    found = []
    while start < end:
        level = (end - start).bit_length() - 1
        found.append((level, start >> level))
        start += 1 << level
    return found


def root(size: int, node: Lookup) -> bytes:
    """Return the hash of the tree of the first ``size`` leaves, from its peaks."""
    return _subtree(0, size, node)


def _subtree(start: int, end: int, node: Lookup) -> bytes:
    """Hash the leaves [start, end): complete subtrees, folded from the right.

    ``start`` must be a multiple of a power of two not less than ``end - start``,
    as every subtree of RFC 6962 has it.
    """
    if start == end:
        return EMPTY
    *left, last = _peaks(start, end)
    digest = node(*last)
    for level, index in reversed(left):
        digest = node_hash(node(level, index), digest)
    return digest


class Frontier:
    """A tree that leaves are appended to, of which only the root is asked.

    Attributes:
        size: How many leaves it has.
    """

    def __init__(self) -> None:
        """Begin with no leaves."""
        self.size = 0
        self._peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Append a leaf hash."""
        digest, index = leaf, self.size
        while index % 2:
            digest, index = node_hash(self._peaks.pop(), digest), index // 2
        self._peaks.append(digest)
        self.size += 1

    def root(self) -> bytes:
        """Return the hash of the tree."""
        if not self._peaks:
            return EMPTY
        *left, digest = self._peaks
        for peak in reversed(left):
            digest = node_hash(peak, digest)
        return digest


def _split(size: int) -> int:
    """Return the largest power of two smaller than ``size``."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion(seq: int, size: int, node: Lookup) -> list[bytes]:
    """Return the audit path of a leaf (RFC 6962 §2.1.1), its sibling first.

    Args:
        seq: The leaf's position.
        size: Size of the tree it is proven to be in, more than ``seq``.
        node: Finds complete subtrees.
    """
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if seq < middle:
            path.append(_subtree(middle, end, node))
            end = middle
        else:
            path.append(_subtree(start, middle, node))
            start = middle
    return path[::-1]


def sides(seq: int, size: int) -> Iterator[str]:
    """Yield on which side, ``L`` or ``R``, each hash of an audit path stands, its sibling first."""
    position, last = seq, size - 1
    while last:
        if position % 2 or position < last:
            yield "L" if position % 2 else "R"
        position, last = position // 2, last // 2


def consistency(first: int, second: int, node: Lookup) -> list[bytes]:
    """Return the proof that a tree only grew (RFC 6962 §2.1.2).

    Args:
        first: Its size then.
        second: Its size now, not less than ``first``.
        node: Finds complete subtrees.
    """
    if first in {0, second}:
        return []
    start, end, path, whole = 0, second, [], True
    while first != end:
        middle = start + _split(end - start)
        if first <= middle:
            path.append(_subtree(middle, end, node))
            end = middle
        else:
            path.append(_subtree(start, middle, node))
            start, whole = middle, False
    if not whole:
        path.append(_subtree(start, end, node))
    return path[::-1]


def verify_inclusion(leaf: bytes, seq: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Say whether an audit path proves a leaf (RFC 9162 §2.1.3.2).

    Args:
        leaf: The leaf hash.
        seq: Its position.
        size: Size of the tree.
        path: The audit path.
        root: Hash of the tree.
    """
    if not 0 <= seq < size:
        return False
    position, last, digest = seq, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position % 2 or position == last:
            digest = node_hash(sibling, digest)
            while position % 2 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            digest = node_hash(digest, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and digest == root


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Say whether a proof shows that one tree extends the other (RFC 9162 §2.1.4.2).

    Args:
        first: Size of the older tree.
        second: Size of the newer tree.
        first_root: Hash of the older tree.
        second_root: Hash of the newer tree.
        proof: The consistency proof.
    """
    if not 0 <= first <= second:
        return False
    if first == 0:
        return not proof and first_root == EMPTY
    if first == second:
        return not proof and first_root == second_root
    hashes = list(proof) if first & (first - 1) else [first_root, *proof]
    if not hashes:
        return False
    position, last = first - 1, second - 1
    while position % 2:
        position, last = position >> 1, last >> 1
    older = newer = hashes[0]
    for digest in hashes[1:]:
        if last == 0:
            return False
        if position % 2 or position == last:
            older, newer = node_hash(digest, older), node_hash(digest, newer)
            while position % 2 == 0 and position:
                position, last = position >> 1, last >> 1
        else:
            newer = node_hash(newer, digest)
        position, last = position >> 1, last >> 1
    return last == 0 and older == first_root and newer == second_root
