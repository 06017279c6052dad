"""The builder's form says exactly what the rules say."""

from hypothesis import given
from hypothesis import strategies as st

from abm.targets.builder import finished, from_form, row_from_rule, to_form, to_raw_rules
from abm.targets.dates import Day
from abm.targets.files import ListDefinition, load_yaml, read_definition, to_yaml
from abm.targets.forms import form_of, to_text
from abm.targets.rule_tree import All, AnyOf, Condition, Has, InList, Not, Rule, Top
from abm.targets.rules import read_rules
from abm.targets.scopes import make_vocabulary
from abm.targets.vocabulary import Operator

_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1, max_size=12)
_CONDITIONS = st.one_of(
    st.builds(Condition, st.just("account.industry"), st.sampled_from([Operator.IS, Operator.CONTAINS]), _TEXT),
    st.builds(Condition, st.just("account.city"), st.just(Operator.IN),
              st.lists(_TEXT, min_size=1, max_size=3, unique=True).map(tuple)),
    st.builds(Condition, st.just("account.employees"), st.just(Operator.MORE_THAN),
              st.one_of(st.integers(-10**9, 10**9), st.sampled_from([0.5, 1.25]))),
    st.builds(Condition, st.just("analysis.value"), st.just(Operator.BETWEEN), st.sampled_from([(1, 2), (0.5, 10)])),
    st.builds(Condition, st.just("account.created_at"), st.just(Operator.BEFORE),
              st.integers(-99, 99).map(lambda days: Day(amount=days))),
    st.builds(Condition, st.just("account.custom.a.b c"), st.just(Operator.IS_EMPTY)),
    st.builds(Condition, st.just("analysis.is_new"), st.just(Operator.IS), st.booleans()),
    st.builds(InList, _TEXT.filter(lambda text: text.strip() == text)),
)
_PEOPLE = st.builds(Condition, st.just("contact.title"), st.just(Operator.IS_NOT), _TEXT)


def _groups(inner: st.SearchStrategy[Rule]) -> st.SearchStrategy[Rule]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(st.builds(All, several), st.builds(AnyOf, several), st.builds(Not, inner))


_WHERE = st.one_of(st.none(), st.recursive(_PEOPLE, _groups, max_leaves=3))
_LEAVES = st.one_of(_CONDITIONS, st.builds(Has, st.just("contact"), _WHERE, st.integers(1, 5)))
RULES = st.recursive(_LEAVES, _groups, max_leaves=8)


@given(RULES)
def test_rules_survive_the_way_through_the_form(rule: Rule) -> None:
    rows = from_form(to_form(row_from_rule(rule)))

    assert rows is not None
    assert read_rules(to_raw_rules(rows), make_vocabulary()) == rule


@given(RULES, st.one_of(st.none(), st.builds(Top, st.just("account.employees"), st.integers(1, 1000))))
def test_rules_survive_the_way_through_yaml_and_the_builder(rule: Rule, top: Top | None) -> None:
    definition = ListDefinition("a-list", "A list", rule, top)

    assert read_definition(load_yaml(to_yaml(definition)), make_vocabulary()) == definition
    assert read_definition(load_yaml(to_text(form_of(definition))), make_vocabulary()) == definition


@given(RULES)
def test_saved_rules_have_nothing_unfinished(rule: Rule) -> None:
    rows = row_from_rule(rule)

    assert finished(rows) == rows


@given(st.dictionaries(st.from_regex(r"who(\.[0-9]{1,2}){0,4}\.(kind|field|op|value|has|count)", fullmatch=True),
                       st.sampled_from(["all", "none", "has", "contact", "is", "", "x"]), max_size=20))
def test_any_form_can_be_read_and_shown_again(form: dict[str, str]) -> None:
    rows = from_form(form)

    assert from_form(to_form(rows)) == rows or rows is None
