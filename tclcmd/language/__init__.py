"""The command language: how commands are declared, parsed and explained."""
