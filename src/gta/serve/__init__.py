"""A trained model over HTTP: uploads in, predictions out, scored in batches."""
