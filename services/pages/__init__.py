"""What therapists see in the browser: server-rendered pages about their cases, without a line of script."""
