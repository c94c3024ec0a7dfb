"""A thread that is on time on a busy machine: what the system lets it have. Where it lets nothing, all is as before.

Sound servers and sequencers ask for the same: on Linux the group `audio` mostly has it (`rtprio` and `nice` in
/etc/security/limits.d).
"""

import contextlib
import os
import sys
import threading

REAL_TIME = 1  # the lowest of the real-time priorities: it goes before all that has none
NICE = -10


def real_time() -> bool:
    """Let the calling thread, which seldom computes, go before all ordinary ones; whether the system allows it."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REAL_TIME))
            return True
    return hurried()


def hurried() -> bool:
    """Give the calling thread a larger share of the processor; whether the system allows it."""
    if sys.platform == "linux":  # where threads have priorities of their own
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)
            return True
    return False
