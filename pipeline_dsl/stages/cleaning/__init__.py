"""What turns published files into text worth learning from: one concept a module, and none knows of stages."""
