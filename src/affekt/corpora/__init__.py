"""Corpora and tables: the clips, who speaks in them, and which emotion."""

from affekt.corpora.scan import scan
from affekt.corpora.source import load
from affekt.corpora.speakers import speaker_key
from affekt.corpora.spec import CorpusSpec, names, spec

__all__ = ["CorpusSpec", "load", "names", "scan", "speaker_key", "spec"]
