"""What evaluation data and training data have in common: items to look for, texts to look through, and what was found."""
