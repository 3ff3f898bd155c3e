"""One idea: the OpenAPI 3.1 document, made from the table of routes and the registered tasks.

document     the whole
operations   what the table of routes does not say: answers, problems, what may be asked
viewer       the document as a page for people
schemas      shapes and tasks as JSON Schema, in one place
"""

from offload.http.openapi.document import document

__all__ = ["document"]
