"""Scale: how planning, compiling and messages grow with the plan, and what a long history costs a new run."""
