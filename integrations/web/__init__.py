"""What doors that speak HTTP share: one app, who may call it, screens for cues, webhooks."""
