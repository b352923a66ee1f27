"""From measured numbers to SHIP or HOLD."""
