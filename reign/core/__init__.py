"""Pure types and rules: plans, tasks, runs, resources, events, errors, DAG algorithms. No I/O."""
