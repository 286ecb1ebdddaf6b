"""Files: stages, checkpoints, journals and arrays that survive a kill."""
