"""From annotated recordings to scenes with a sound for each event: planner, refiner, grounder."""
