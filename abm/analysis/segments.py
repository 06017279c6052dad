"""Named segments from the RFM scores.

The first digit is R, the second the mean of F and M rounded half up (a buyer's weight). The names and the grid are the
customary ones of RFM practice:

              weight 1       2              3               4           5
    R 5       new            potential      potential       champions   champions
    R 4       promising      potential      potential       loyal       loyal
    R 3       about to sleep about to sleep need attention  loyal       loyal
    R 2       hibernating    hibernating    at risk         at risk     cannot lose
    R 1       hibernating    hibernating    at risk         at risk     cannot lose
"""

import numpy as np

from abm.analysis.abc_xyz import Ints, Texts

GRID = (
    ("hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"),
    ("hibernating", "hibernating", "at_risk", "at_risk", "cannot_lose"),
    ("about_to_sleep", "about_to_sleep", "need_attention", "loyal", "loyal"),
    ("promising", "potential", "potential", "loyal", "loyal"),
    ("new", "potential", "potential", "champions", "champions"),
)
# In the order of their weight, with what each one is and what helps.
SEGMENTS = {
    "champions": ("Champions", "bought lately, often and much: look after them, ask for references"),
    "loyal": ("Loyal", "buy steadily and much: grow their range"),
    "cannot_lose": ("Cannot lose", "the largest of those who have not bought for long: call in person now"),
    "at_risk": ("At risk", "bought well once, silent for long: win back"),
    "need_attention": ("Need attention", "middling in everything: a reason to order now"),
    "potential": ("Potential", "bought lately, still little: develop"),
    "new": ("New", "a first small order lately: welcome, second order"),
    "promising": ("Promising", "one small order not long ago: remind"),
    "about_to_sleep": ("About to sleep", "little, and getting old: remind cheaply"),
    "hibernating": ("Hibernating", "little and long ago: do not spend on them"),
}


def segments(r: Ints, f: Ints, m: Ints) -> Texts:
    """The segment of each account."""
    weight = (f + m + 1) // 2
    names: Texts = np.array(GRID)[r - 1, weight - 1]
    return names
