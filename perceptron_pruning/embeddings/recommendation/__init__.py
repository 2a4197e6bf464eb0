"""The engine of `recommend`: rules raced on rows that were put aside before anything was scored."""
