"""One idea: a function's signature as a schema that checks and converts parameters.

signature    Signature: bind, check, check_text, call_arguments, schema
parameters   a function taken apart, and what cannot be a task
hints        its annotations, resolved as far as they can be
annotation   what an annotation accepts; stand-ins for what msgspec does not know
shapes       facts about a type, found by looking inside
querytext    text from a query or a command line, read by type
encodable    return annotations that certainly cannot become JSON
faults       a library's complaint in plain words
"""

from offload.signature.signature import Signature

__all__ = ["Signature"]
