"""Meetings in Zoom, Google Meet and Microsoft Teams, by a bot of Attendee's."""
