"""What is to be translated: products, fields, units, placeables."""
