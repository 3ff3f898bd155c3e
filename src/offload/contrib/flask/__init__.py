"""One idea: offload as a Flask extension.

extension  `FlaskOffload`: what a program holds
perapp     each verb goes on to the app at hand
desk       the Offload of one Flask app
tasks      the extension's tasks, and those of each app
settings   `OFFLOAD_…` in `app.config`
contexts   a task's code inside the app context, in whatever process
routes     the brief's routes as a blueprint
guard      what a request must pass
element    the file of `<offload-job>`, for pages of the app
answers    Flask's requests and responses, as the room below the doors has them
commands   `flask offload …`
here       the Offload of the Flask app at hand, under a name that can be imported
"""

try:
    from offload.contrib.flask.desk import AppOffload
    from offload.contrib.flask.extension import FlaskOffload
    from offload.contrib.flask.guard import Authorize
except ModuleNotFoundError as error:
    if error.name != "flask":
        raise
    raise ModuleNotFoundError(
        'offload.contrib.flask needs Flask; install it with: pip install "offload[flask]"',
        name="flask",
    ) from None

__all__ = ["AppOffload", "Authorize", "FlaskOffload"]
