import pytest

from abm.scorecards.definition import FAMILIES
from abm.scorecards.files import SHIPPED, load_yaml, to_yaml
from abm.scorecards.measures import MEASURES
from abm.scorecards.reading import read_definition
from core.errors import InvalidInput
from tests.abm.scorecards.companies import SALES_AND_TRUST, definition_of

SHIPPED_FILES = sorted(SHIPPED.glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED_FILES, ids=lambda path: path.stem)
def test_shipped_scorecards_read_and_come_back_the_same(path):
    definition_of()
    found = read_definition(load_yaml(path.read_text("utf-8")), MEASURES)
    assert found.name == path.stem
    assert found.total_weight == 100
    assert read_definition(load_yaml(to_yaml(found)), MEASURES) == found


def test_the_scorecards_of_the_domain_are_shipped():
    found = [definition_of(load_yaml(path.read_text("utf-8"))) for path in SHIPPED_FILES]
    assert {one.family for one in found if one.family} == set(FAMILIES)
    golden = next(one for one in found if one.name == "golden-key")
    assert [one.id for one in golden.criteria] == [
        "punctual-delivery", "complete-orders", "sharing-of-information", "minimum-stock", "customer-base", "execution",
        "potential"]
    selection = next(one for one in found if one.name == "selection-criteria")
    assert [one.id for one in selection.criteria] == ["volume", "profitability", "price-sensitivity", "partnership"]


def criterion(**changes):
    return {"criteria": [{**SALES_AND_TRUST["criteria"][0], **changes}]}


@pytest.mark.parametrize(
    ("changes", "place", "says"),
    [
        ({"scorecard": "Golden Key"}, "scorecard", "small letters"),
        ({"scorecard": "matrix"}, "scorecard", "address of a page"),
        ({"famly": "potential"}, "famly", 'did you mean "family"'),
        ({"family": "charm"}, "family", "not one of"),
        ({"member": {"from": 80, "to": 50}}, "member.from", "above its end"),
        ({"criteria": []}, "criteria", "at least one"),
        (criterion(by="orders.value_12"), "criteria[0].by", 'did you mean "orders.value_12m"'),
        (criterion(weight=-1), "criteria[0].weight", "from 0 to 1000"),
        (criterion(weight=0), "criteria", "above 0"),
        (criterion(weight="nan"), "criteria[0].weight", "expected a number"),
        (criterion(scale="levels"), "criteria[0].scale", "by hand"),
        (criterion(scale="bands"), "criteria[0].bands", "1 to 20"),
        (criterion(scale="bands", bands=[{"from": 1, "points": 50}, {"from": 2, "points": 20}]), "criteria[0].bands",
         "must rise"),
        (criterion(scale="min-max", **{"from": 5, "to": 5}), "criteria[0].from", "not below"),
        ({"criteria": SALES_AND_TRUST["criteria"][:1] * 2}, "criteria[1].id", "said twice"),
    ],
)
def test_every_mistake_is_named_with_its_place(changes, place, says):
    definition_of()
    with pytest.raises(InvalidInput) as refused:
        read_definition({**SALES_AND_TRUST, **changes}, MEASURES)
    assert says in refused.value.fields[place]


@pytest.mark.parametrize("text", ["- [", "a: b: c", "", "just words", "criteria: &a [*a]"])
def test_what_is_no_scorecard_is_refused(text):
    with pytest.raises(InvalidInput):
        read_definition(load_yaml(text), MEASURES)


def test_weights_and_words_do_not_touch_the_key_of_the_values_but_scales_do():
    own = definition_of()
    assert own.with_weights({"sales": 1}).criteria_key == own.criteria_key
    changed = definition_of({**SALES_AND_TRUST, **criterion(direction="down")})
    assert changed.criteria_key != own.criteria_key
