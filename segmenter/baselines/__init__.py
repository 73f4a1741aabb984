"""The methods that the paper compares its network with (Table II), each in a file of its own."""
