"""Who may do what, over every address that the product answers."""
