"""The general's service loop: any number of processes run it, one of them leads and reconciles."""

from __future__ import annotations

import logging
import threading
import time

from reign.config import Settings
from reign.core.errors import Unavailable
from reign.engine import backups
from reign.engine.fairness import TopUp
from reign.engine.general import ReignGeneral
from reign.engine.planning import planners
from reign.engine.reconcile import Leadership, Reconciler
from reign.engine.retention import Retention
from reign.engine.runtime import Runtime
from reign.engine.schedules import Scheduler, actions
from reign.engine.upkeep import Upkeep

log = logging.getLogger(__name__)

TICK = 0.5  # seconds


def serve(settings: Settings, stopped: threading.Event) -> None:
    """Reconcile until ``stopped``; an absent database or broker is waited for."""
    runtime = Runtime(settings)
    leadership = Leadership(runtime, "general")
    general = ReignGeneral(runtime, planners(runtime))
    reconciler = Reconciler(runtime, general)
    top_up = TopUp(runtime)
    scheduler = Scheduler(runtime, actions(runtime, general))
    retention = Retention(runtime)
    upkeep = Upkeep(runtime)
    upgraded = False
    complained = 0.0
    while not stopped.wait(TICK):
        try:
            if not upgraded:
                backups.upgrade(runtime)
                upgraded = True
            try:
                leads = leadership.held()
            except Unavailable:
                reconciler.excuse()
                raise
            if leads:
                reconciler.tick()
                upkeep.tick()
                top_up.tick()
                scheduler.tick()
                retention.tick()
        except Unavailable as error:
            if time.monotonic() - complained > 10:
                complained = time.monotonic()
                log.warning("%s", error)
        except Exception:
            log.exception("the reconciler stumbled")
    leadership.resign()
    runtime.close()
