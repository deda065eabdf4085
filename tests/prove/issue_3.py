"""Pull: the fastest lawful way out of CloudWatch and S3: what stands of its list of things to show.

Sizes come from the environment, for short runs: LOGSIFT_PROVE_PULL_EVENTS (5M), LOGSIFT_PROVE_PULL_STREAMS (20000),
LOGSIFT_PROVE_PULL_RUNS (200).
"""

import pull_runs


def exact(binary, _root):
    """Millions of events of thousands of streams, doubles included: the multiset equals what was put."""
    return pull_runs.exact(binary)


def faults(binary, _root):
    """Random faults and kill -9: every run ends with exactly the right multiset."""
    return pull_runs.faults(binary)


def pace(binary, _root):
    """Achieved share of the configured rate, 600 ms per full page."""
    return pull_runs.pace(binary)


def memory(binary, _root):
    """Peak memory of one and of five million events."""
    return pull_runs.memory(binary)


LINES = {"1": exact, "2": faults, "3": pace, "4": memory}
