"""How well the keyword planner understands: requests with the plan that each must give, and the count of hits."""
