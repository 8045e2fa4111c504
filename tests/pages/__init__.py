"""What therapists see in the browser."""
