from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from core import signing


def test_a_token_says_what_was_signed(data_dir):
    assert signing.read_id("open", signing.sign_id("open", 42)) == 42


def test_a_token_for_one_purpose_says_nothing_for_another(data_dir):
    assert signing.read_id("click", signing.sign_id("open", 42)) is None


def test_links_survive_the_rotation_of_the_key(data_dir, monkeypatch):
    from core.settings import settings

    token = signing.sign_id("unsubscribe", 7)
    monkeypatch.setenv(
        "ABM_SECRET_KEY", "a-new-key-of-at-least-thirty-two-chars,test-key-of-at-least-thirty-two-characters"
    )
    settings.cache_clear()
    assert signing.read_id("unsubscribe", token) == 7
    assert signing.sign_id("unsubscribe", 7) != token


@given(garbage=st.text(max_size=60))
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_garbage_is_never_a_token(data_dir, garbage):
    assert signing.read("open", garbage) is None
