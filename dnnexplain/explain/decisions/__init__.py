"""What a policy does in a state, what would follow, and what real changes of the state do."""
