"""How pools use their slots and what they weigh."""
