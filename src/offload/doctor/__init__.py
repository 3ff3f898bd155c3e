"""What is wrong with a database and those who work on it: facts are gathered, then judged."""

from offload.doctor.examination import examine
from offload.doctor.facts import Facts
from offload.doctor.findings import Finding, Level
from offload.doctor.judgement import judge

__all__ = ["Facts", "Finding", "Level", "examine", "judge"]
