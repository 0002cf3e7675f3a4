"""From decoded frames to the clip that a model sees."""
