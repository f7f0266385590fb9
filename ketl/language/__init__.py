"""What a language, a term and the brand's voice are."""
