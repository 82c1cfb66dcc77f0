"""The documentation site: Sphinx reads every page of `docs/` as it lies there (MyST), and `just docs` makes `build/docs` of it.

Nothing is fetched while it is made and nothing while it is read: no inventories of other projects, no fonts or scripts from elsewhere. Warnings are
errors, so a link to a page, an anchor or a file that is not there ends the build. Why this generator: docs/decisions/0026-documentation.md.
"""

from __future__ import annotations

project = "Halo"
project_copyright = "The Halo authors, Apache-2.0"
html_title = "Halo"

extensions = ["myst_parser"]
nitpicky = True

# Headings get the anchors that a forge gives them, so that one link works in both places.
myst_heading_anchors = 3
# A `console` block may show a program that goes over several prompts; Pygments ends its quotes at the first, and then colours less of it.
suppress_warnings = ["misc.highlighting_failure"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["halo.css"]
# The sources lie in the repository, beside the code they tell of.
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_theme_options = {"top_of_page_buttons": [], "navigation_with_keys": True}
pygments_style = "friendly"
pygments_dark_style = "github-dark"
