"""Variants of a model on one stream: their inputs, predictions, performance and a metric compared."""
