"""What auth needs of the outside: a module for each thing that is kept or asked."""
