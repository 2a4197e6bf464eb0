"""Where users live: scikit-learn, Hugging Face datasets, PyTorch, and newcomers scored against a saved state."""
