"""From a checkpoint and streams to a checkpoint that knows them: `interject train`."""
