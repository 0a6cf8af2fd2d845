"""Plan -> canvas, dispatch, claim/execute/record, recovery, rollback, schedules."""
