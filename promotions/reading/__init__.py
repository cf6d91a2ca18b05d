"""How people read a component: what a change means in shapes, mappings, elements and fields.

Pure functions over masked component XML; nothing here knows Django or a database. ``read`` gives what is stored,
``canvas`` and ``graph`` draw it.
"""

from .model import Change, Entry, Picture, Reading, Section, from_json
from .reader import read
from .sentences import headline, plan_sentences

__all__ = [
    "Change",
    "Entry",
    "Picture",
    "Reading",
    "Section",
    "from_json",
    "headline",
    "plan_sentences",
    "read",
]
