"""Corpora and tables: the clips, who speaks in them, and which emotion; corpora fetched on request."""

from affekt.corpora.fetching import fetch
from affekt.corpora.findings import Finding
from affekt.corpora.overview import Overview, overview
from affekt.corpora.scan import scan
from affekt.corpora.source import load, load_many
from affekt.corpora.speakers import speaker_key
from affekt.corpora.spec import CorpusSpec, names, spec
from affekt.corpora.table import to_csv, write

__all__ = [
    "CorpusSpec",
    "Finding",
    "Overview",
    "fetch",
    "load",
    "load_many",
    "names",
    "overview",
    "scan",
    "speaker_key",
    "spec",
    "to_csv",
    "write",
]
