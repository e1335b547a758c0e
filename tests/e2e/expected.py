"""Followers and followees of some people of an edge list, computed from the file alone.

Usage: expected.py FILE.gz PEOPLE

Prints one JSON object: the numbers of users and edges, the longest lists, and, for the 50 most followed and for others drawn
at random with a fixed seed, PEOPLE in all, their followers and followees as sorted ids. Standard library only.
"""

import gzip
import json
import random
import sys
from collections import defaultdict


def main(path, people):
    followers, followees = defaultdict(set), defaultdict(set)
    with gzip.open(path, "rt") as lines:
        for line in lines:
            source, target = map(int, line.split())
            if source != target:
                followees[source].add(target)
                followers[target].add(source)
    users = sorted(followers.keys() | followees.keys())
    most_followed = sorted(users, key=lambda user: (-len(followers[user]), user))[:50]
    others = random.Random(7).sample([user for user in users if user not in set(most_followed)], people - 50)
    print(
        json.dumps(
            {
                "users": len(users),
                "edges": sum(map(len, followees.values())),
                "max_followers": max(map(len, followers.values())),
                "max_followees": max(map(len, followees.values())),
                "people": {
                    user: {"followers": sorted(followers[user]), "followees": sorted(followees[user])}
                    for user in most_followed + others
                },
            }
        )
    )


main(sys.argv[1], int(sys.argv[2]))
