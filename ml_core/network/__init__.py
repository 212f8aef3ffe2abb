"""The recurrent network of paper 2, its data sets and how it learns."""
