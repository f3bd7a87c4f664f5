"""Who holds the token may look at the pages, and may not become the one who keeps others out."""

import json
from importlib.resources import files

import pytest

pytest.importorskip("voila")

from jupyter_server.auth.identity import PasswordIdentityProvider
from traitlets.config import Config
from voila.app import Voila

TOKEN = "a-token-of-24-characters"


class Form:
    """A login form that asks for a new password, beside the token."""

    def __init__(self, folder):
        self.settings = {"config_dir": str(folder)}

    def get_argument(self, name, default=""):
        return {"password": TOKEN, "new_password": "mine-from-now-on"}.get(name, default)


def provider(**own):
    shipped = json.loads(files("dnnexplain.app").joinpath("jupyter", "voila.json").read_text("utf-8"))
    config = Config(shipped)
    config.merge(Config(own))
    found = PasswordIdentityProvider(config=config, token=TOKEN)
    found.generate_anonymous_user = lambda _handler: "somebody"
    return found


def test_a_holder_of_the_token_sets_no_password(tmp_path):
    ours = provider()
    assert ours.process_login_form(Form(tmp_path)) == "somebody"
    assert not ours.hashed_password
    assert not list(tmp_path.iterdir())


def test_without_the_option_a_password_would_be_set(tmp_path):
    open_to_all = provider(PasswordIdentityProvider={"allow_password_change": True})
    assert open_to_all.process_login_form(Form(tmp_path)) == "somebody"
    assert open_to_all.hashed_password
    assert list(tmp_path.iterdir())


def test_the_pages_ask_that_provider():
    assert issubclass(Voila().identity_provider_class, PasswordIdentityProvider)
