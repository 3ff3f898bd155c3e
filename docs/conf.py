"""How the documentation is built: Markdown by MyST, the theme Furo, nothing from outside."""

from offload import __version__

project = "offload"
author = "offload contributors"
copyright = author
release = version = __version__

extensions = ["myst_parser"]
exclude_patterns: list[str] = []
myst_heading_anchors = 4
suppress_warnings: list[str] = []
nitpicky = True
pygments_style = "default"
pygments_dark_style = "github-dark"

html_theme = "furo"
html_title = "offload"
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
