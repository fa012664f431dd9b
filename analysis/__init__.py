"""What finished runs say: results, metrics, plots. It only reads."""
