"""Write customer maps from what a database says of itself, and hold maps against it: pure, without a connection."""
