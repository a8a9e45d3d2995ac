"""What every platform owes the people it hears and does with replies. It knows no platform."""
