import re

import numpy as np
import pytest

from abm.analysis.segments import GRID, SEGMENTS, segments

# The customary map, written as patterns over R and weight instead of a grid.
PATTERNS = {r"[12][12]": "hibernating", r"[12][34]": "at_risk", r"[12]5": "cannot_lose", r"3[12]": "about_to_sleep",
            r"33": "need_attention", r"[34][45]": "loyal", r"41": "promising", r"51": "new", r"[45][23]": "potential",
            r"5[45]": "champions"}


def expected(r: int, f: int, m: int) -> str:
    weight = (f + m) // 2 + (f + m) % 2
    return next(name for pattern, name in PATTERNS.items() if re.fullmatch(pattern, f"{r}{weight}"))


def test_every_combination_of_scores_has_the_segment_of_the_customary_map() -> None:
    scores = np.array([(r, f, m) for r in range(1, 6) for f in range(1, 6) for m in range(1, 6)])
    found = segments(*scores.T).tolist()
    assert found == [expected(*one) for one in scores.tolist()]


def test_the_grid_names_every_segment_and_no_other() -> None:
    assert {name for row in GRID for name in row} == set(SEGMENTS)


@pytest.mark.parametrize(("scores", "name"), [((5, 5, 5), "champions"), ((1, 5, 5), "cannot_lose"),
                                              ((2, 3, 2), "at_risk"), ((5, 1, 1), "new"), ((1, 1, 1), "hibernating")])
def test_some_segments_by_hand(scores: tuple[int, int, int], name: str) -> None:
    assert segments(*(np.array([one]) for one in scores)).tolist() == [name]
