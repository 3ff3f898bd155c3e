"""One idea: offload in the manner of other people's frameworks, each optional.

A door of this room may mount what the other doors have made, so it stands above them.

flask      an extension: `FlaskOffload`
"""
