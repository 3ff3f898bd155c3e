"""The crash demo: a worker is killed in the midst of its work, and books are kept of what it costs.

plan       how long everything takes
processes  what the operating system says of processes
stage      a folder, a server with its worker and a remote service, which all vanish at the end
witness    what the simulation itself says that it has done
play       what is done, step by step
receipt    what was promised and what was found
screens    how it is shown

All that is asked of offload is asked over HTTP, as anybody could.
"""
