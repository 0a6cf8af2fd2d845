"""What past runs teach: rates with their uncertainty, durations, failures and what repaired them. Pure, no I/O."""
