"""What leaves the program: tables, pictures, pages, and what made them."""
