"""The corpus doctor: what makes results on a corpus untrue, found before any training."""

from affekt.doctor.checkup import Checkup, check_corpus
from affekt.doctor.page import page, write_page

__all__ = ["Checkup", "check_corpus", "page", "write_page"]
