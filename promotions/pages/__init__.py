"""The pages. One name from the address to the view to the template to the test."""
