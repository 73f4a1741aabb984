"""Tables, pictures and pages that show what an evaluation found."""
