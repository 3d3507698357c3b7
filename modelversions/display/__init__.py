"""What a person sees: tables as text and for notebooks."""
