"""Traffic engineering: split each pair's demand over a few paths so that the busiest link stays cool."""
