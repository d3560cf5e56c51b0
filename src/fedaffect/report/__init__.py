"""What a person looks at: tables, formatting, pictures, pages; drawn from a record alone."""
