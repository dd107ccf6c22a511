"""The colours of paper are the theme's light ones."""

import re
from importlib.resources import files

STATIC = files("streams.presentation").joinpath("static")


def test_paper_has_every_light_colour_of_the_theme() -> None:
    theme = STATIC.joinpath("vendor/theme.css").read_text(encoding="utf-8")
    light = re.search(r'^:root, \[data-color-scheme="light"\] {\n(.*?)^}', theme, re.DOTALL | re.MULTILINE)
    assert light is not None
    paper = STATIC.joinpath("paper.css").read_text(encoding="utf-8")
    assert paper.partition(":root[data-color-scheme] {\n")[2] == light[1] + "}\n}\n"
