"""Pull: the fastest lawful way out of CloudWatch and S3.

Sizes come from the environment, for short runs: LOGSIFT_PROVE_PULL_EVENTS (5M), LOGSIFT_PROVE_PULL_STREAMS (20000),
LOGSIFT_PROVE_PULL_RUNS (200), LOGSIFT_PROVE_PULL_SECONDS (40).
"""

import pull_moto
import pull_runs


def exact(binary, _root):
    """moto and the simulator: doubles included, the multiset equals what was put; S3 by the dates of its names."""
    return "\n".join([pull_moto.logs(binary), pull_moto.s3(binary), pull_runs.exact(binary)])


def faults(binary, _root):
    """Random faults and kill -9: every run ends with exactly the right multiset."""
    return pull_runs.faults(binary)


def pace(binary, _root):
    """Achieved share of the configured rate, 600 ms per full page; rivals on the same simulator."""
    return pull_runs.pace(binary)


def memory(binary, _root):
    """Peak memory of one and of five million events."""
    return pull_runs.memory(binary)


def bad_input(binary, _root):
    """What is wrong is told, and what is right comes all the same."""
    return pull_moto.bad_input(binary)


def sockets(binary, root):
    """scan, timeline, report and query open no internet socket; strace tells."""
    return pull_moto.sockets(binary, root)


LINES = {"1": exact, "2": faults, "3": pace, "4": memory, "5": bad_input, "6": sockets}
