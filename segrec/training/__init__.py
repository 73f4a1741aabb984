"""The one optimisation loop and its parts; it knows neither words nor networks."""
