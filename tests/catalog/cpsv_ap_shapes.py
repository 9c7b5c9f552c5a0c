"""SHACL shapes of CPSV-AP, built from a table of what the release asks of each class."""

from pathlib import Path

from rdflib import RDF, SH, BNode, Graph, Literal, URIRef

from services.catalog.exports.cpsv_ap import CONTEXT

TABLE = Path(__file__).with_name("cpsv_ap_3_2_shapes.txt")
PREFIXES = {prefix: str(address) for prefix, address in CONTEXT.items()} | {
    "locn": "http://www.w3.org/ns/locn#",
    "org": "http://www.w3.org/ns/org#",
    "rdf": str(RDF),
    "time": "http://www.w3.org/2006/time#",
}
ONLY_TYPES = ("rdf", "xsd")


def expand(name: str) -> URIRef:
    prefix, _, local = name.partition(":")
    return URIRef(PREFIXES[prefix] + local)


def shapes() -> Graph:
    """Return a shape per class, with its properties' cardinalities, classes and data types."""
    graph = Graph()
    shape = BNode()
    for line in TABLE.read_text().splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith(" "):
            shape = BNode()
            graph.add((shape, RDF.type, SH.NodeShape))
            graph.add((shape, SH.targetClass, expand(line)))
            continue
        path, count, *kind = line.split()
        least, _, most = count.partition("..")
        rule = BNode()
        graph.add((shape, SH.property, rule))
        graph.add((rule, SH.path, expand(path)))
        graph.add((rule, SH.minCount, Literal(int(least))))
        if most != "*":
            graph.add((rule, SH.maxCount, Literal(int(most))))
        for name in kind:
            datatype = name.partition(":")[0] in ONLY_TYPES
            graph.add((rule, SH.datatype if datatype else SH["class"], expand(name)))
    return graph
