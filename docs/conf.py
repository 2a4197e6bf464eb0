"""How the documentation is built: ``python -m sphinx docs docs/_build -W`` (extra ``docs``); needs no network."""

import re
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Literal

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

sys.path.insert(0, str(Path(__file__).parent))
from generated import write_pages

project = "perceptron-pruning"
author = copyright = "The perceptron-pruning developers"
release = version = installed_version(project)
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "matplotlib.sphinxext.plot_directive",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "_generated", "paper"]
html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_extra_path = ["_generated/extra"]  # explore.html, which needs no server
html_css_files = ["wide_equations.css"]
html_theme_options = {"navigation_with_keys": True}
myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_use_legacy_class_based = False
napoleon_use_ivar = True
plot_html_show_formats = False
plot_html_show_source_link = False
plot_formats = [("png", 110)]
plot_include_source = True
plot_rcparams = {"figure.figsize": (6.4, 3.6), "figure.constrained_layout.use": True}
plot_apply_rcparams = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


PRIME = re.compile(r"<msup>(<mi>[^<]*</mi>)<mi>(&#x0203[2-4];)</mi></msup>")  # raised already, and tiny as an exponent


def drawn(latex: str, display: Literal["inline", "block"]) -> str:
    """A formula as MathML."""
    return PRIME.sub(r'<mrow>\1<mi mathvariant="normal">\2</mi></mrow>', convert(latex, display=display))


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Formulas as MathML, which browsers draw themselves: no script, no network."""
    self.body.append(drawn(node.astext(), "inline"))
    raise nodes.SkipNode


def visit_math_block(self: HTML5Translator, node: nodes.math_block) -> None:
    """Displayed formulas, with their number where they have a label."""
    number = f'<span class="eqno">({node["number"]})</span>' if node.get("number") else ""
    anchors = "".join(f'<span id="{name}"></span>' for name in node.get("ids", []))
    latex = node.astext().replace("{aligned}", "{align*}")
    self.body.append(f'<div class="math">{anchors}<div class="formula">{drawn(latex, "block")}</div>{number}</div>\n')
    raise nodes.SkipNode


def keep_bars(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Bars of |z| in docstrings are absolute values, and not substitutions; those of grid tables stay."""
    lines[:] = [line if line.lstrip().startswith(("|", "+")) else line.replace("|", "∣") for line in lines]


def setup(app: Sphinx) -> None:
    """Registers the formulas and the docstrings' reader, and writes the pages that follow from tables."""
    write_pages()
    app.connect("autodoc-process-docstring", keep_bars)
    app.add_html_math_renderer("mathml", inline_renderers=(visit_math, None), block_renderers=(visit_math_block, None))


html_math_renderer = "mathml"
