"""The paper's figures and claims, from one command."""
