"""The ground floor: values every other layer speaks in. Imports nothing of ours."""
