"""The campaign of kills: whatever ends whoever at whatever moment, the next play passes and a `down` leaves nothing."""
