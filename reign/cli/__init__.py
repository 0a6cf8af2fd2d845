"""The command line: thin over the API's client and the same services."""

import gc

# Loading a command makes some 100,000 objects and no garbage; collecting among them was a sixth of a command's time.
gc.set_threshold(200_000, 20, 50)
