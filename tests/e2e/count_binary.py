"""Counts of a binary edge list, from the file alone.

Usage: count_binary.py FILE

Prints one JSON object: whether edges have times, the numbers of users with an edge and of edges, and the longest lists.
Duplicates and self-loops are errors. Checksums are not looked at. Standard library only.
"""

import json
import struct
import sys
from collections import Counter


def main(path):
    with open(path, "rb") as file:
        magic, version, flags, promised, _ = struct.unpack("<8sHHQI", file.read(24))
        assert (magic, version) == (b"ROOSTEDG", 1) and flags in (0, 1)
        words = 3 if flags else 2
        edges = set()
        count = 0
        while n := struct.unpack("<II", file.read(8))[0]:
            block = struct.unpack(f"<{n * words}I", file.read(4 * n * words))
            edges.update(zip(block[::words], block[1::words]))
            count += n
        assert file.read() == b""
    assert count == promised == len(edges)
    assert all(source != target for source, target in edges)
    followees = Counter(source for source, _ in edges)
    followers = Counter(target for _, target in edges)
    print(
        json.dumps(
            {
                "times": bool(flags),
                "users": len(followers.keys() | followees.keys()),
                "edges": count,
                "max_followers": max(followers.values()),
                "max_followees": max(followees.values()),
            }
        )
    )


main(sys.argv[1])
