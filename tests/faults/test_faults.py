"""Every registered fault, small: nothing lost, nothing twice, doubt bounded, and all goes on within a minute."""

import pytest

from tests.faults import kinds
from tests.faults.registry import FAULTS, Fault
from tests.faults.scene import Scene

pytestmark = pytest.mark.faults
assert kinds.__all__


@pytest.mark.parametrize("one", FAULTS, ids=lambda one: f"{one.number}-{one.run.__name__}")
def test_it_is_survived(one: Fault, scene: Scene) -> None:
    if why := one.cannot_run():
        pytest.skip(f"{one.number} {why}")
    assert one.run(scene, one.small).complaints() == []
