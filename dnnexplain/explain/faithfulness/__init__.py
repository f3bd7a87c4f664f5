"""How far a map can be trusted: figures of faithfulness, measured on the network itself, and the badge made of them."""
