"""What igraph, a library of its own making, says of a directed edge list: one line of values for each vertex.

Usage: reference.py EDGES.gz. Prints `id,pagerank,component,core,triangles` lines, and last the reciprocity and the triangles.
Ids are 1 to n.
"""

import gzip
import sys

import igraph

with gzip.open(sys.argv[1], "rt") as lines:
    edges = [tuple(int(number) - 1 for number in line.split()) for line in lines]
graph = igraph.Graph(n=1 + max(max(edge) for edge in edges), edges=edges, directed=True)
simple = graph.as_undirected(mode="collapse")
triangles = [0] * graph.vcount()
for corners in simple.list_triangles():
    for corner in corners:
        triangles[corner] += 1
components = graph.connected_components(mode="weak").membership


def change(ranks, damping=0.85):
    """By how much one more iteration would change ranks, in all."""
    degrees = graph.outdegree()
    stuck = sum(rank for rank, degree in zip(ranks, degrees) if degree == 0)
    after = [(1 - damping + damping * stuck) / len(ranks)] * len(ranks)
    for source, target in edges:
        after[target] += damping * ranks[source] / degrees[source]
    return sum(abs(one - other) for one, other in zip(after, ranks))


# The other implementation, PRPACK, leaves a change of 1.2e-12.
ranks = graph.pagerank(damping=0.85, implementation="arpack")
assert change(ranks) < 1e-12, change(ranks)
columns = zip(ranks, components, simple.coreness(), triangles)
for idx, (rank, component, core, corners) in enumerate(columns):
    print(f"{idx + 1},{rank!r},{component},{core},{corners}")
print(f"{graph.reciprocity()!r},{sum(triangles) // 3}")
