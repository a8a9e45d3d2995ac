"""What a model is taught from: a stream of sound, what is in it, what is right to answer when."""
