"""From artifact to what people hear and look at: sound, piano rolls, curves, a report page. Knows nothing of models."""
