"""What a scheduler sees: knobs and picture, domain quantities, states in words and JSON."""
