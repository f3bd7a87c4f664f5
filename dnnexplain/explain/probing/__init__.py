"""What neurons do: thresholds, maximal activation, interventions, linear probes, embeddings, the account of a decision."""
