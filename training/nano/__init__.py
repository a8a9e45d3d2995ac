"""The recipe of the default model: its language, scenes, losses, run and examination."""
