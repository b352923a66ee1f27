"""How files get here: package registries by their own clients, archives taken apart safely."""
