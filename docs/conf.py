"""The documentation as a site: `sphinx-build -W --keep-going -n docs build/site`.

It needs the extra `docs` and no network, and neither does a reader's browser: formulas are MathML,
fonts the reader's own, and the search is a file beside the pages.
"""

import os
import sys
from pathlib import Path

import jaxmath

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS / "extensions")]

project = "jaxmath"
author = "The jaxmath authors"
project_copyright = "The jaxmath authors, Apache 2.0"
version = release = jaxmath.__version__

# Those without a dot stand in docs/extensions.
extensions = ["myst_nb", "sphinx_copybutton", "mathml", "names", "pictures", "reference"]
exclude_patterns = ["extensions"]

myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ["MATPLOTLIBRC"] = str(DOCS / "extensions" / "matplotlibrc")
nb_execution_mode = "force"
nb_execution_show_tb = True  # a warning too, which -W makes an error
nb_execution_timeout = 300
nb_merge_streams = True

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = "jaxmath"
html_math_renderer = "mathml"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["tables.js"]
html_domain_indices = False
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}

copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True

python_maximum_signature_line_length = 150  # of which links, not shown in full, are half
toc_object_entries_show_parents = "hide"
nitpicky = True
# Annotations name types of jax, numpy and Python, whose pages only a network could link to.
nitpick_ignore_regex = [("py:.*", r"(?!jaxmath\.).*")]
