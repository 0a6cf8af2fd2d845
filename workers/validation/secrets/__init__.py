"""Looking for secrets in text: the shapes of vendors' keys, speaking names, randomness, and what is none of these."""
