"""What a telephone does to sound: a narrow band, a codec, packets that get lost."""
