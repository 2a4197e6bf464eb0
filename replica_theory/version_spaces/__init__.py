"""Students drawn at random from those that classify all kept examples correctly: exactly, and in the paper's form."""
