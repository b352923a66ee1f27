"""The example's own stages: from WordNet's nouns to text, conversations, preferences, prompts and questions.

Read `nouns` first, then any of the stages: each is one class in the user's own module, and needs nothing else to be a stage.
"""
