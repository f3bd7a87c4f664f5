"""Wait for what panels work out beside the page."""

import threading

__all__ = ["until_no_job_is_left"]


def until_no_job_is_left():
    """Join the threads of panels' jobs: one may start the next, and what comes of it is drawn by its thread."""
    while jobs := [thread for thread in threading.enumerate() if thread.name == "dnnexplain-job"]:
        jobs[0].join(60)
